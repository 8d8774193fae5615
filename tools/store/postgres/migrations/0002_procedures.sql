-- SPDX-License-Identifier: MIT
-- What the procedures of the server keep, and what a Gateway UE does.
--
-- A gateway's store is a file; its tables are here, too, for the statements that read those of both, and so that a
-- store can be copied whole.

-- ---- areas, groups, topics ----

CREATE TABLE area (id TEXT COLLATE "C" PRIMARY KEY);
CREATE TABLE area_ue (area TEXT COLLATE "C", ue TEXT COLLATE "C", PRIMARY KEY (area, ue));
CREATE TABLE broadcaster (ue TEXT COLLATE "C" PRIMARY KEY);

CREATE TABLE val_group (
  document TEXT COLLATE "C" PRIMARY KEY, id TEXT COLLATE "C" UNIQUE, category TEXT COLLATE "C",
  creator TEXT COLLATE "C", created DOUBLE PRECISION, facts TEXT COLLATE "C");
CREATE INDEX val_group_creator ON val_group (creator);
CREATE TABLE val_group_member (
  document TEXT COLLATE "C", member TEXT COLLATE "C", type TEXT COLLATE "C", registered BOOLEAN, sent BIGINT,
  entry TEXT COLLATE "C", PRIMARY KEY (document, member));
CREATE INDEX val_group_member_member ON val_group_member (member);

CREATE TABLE subscription (
  topic TEXT COLLATE "C", ue TEXT COLLATE "C", expires DOUBLE PRECISION, PRIMARY KEY (topic, ue));
CREATE INDEX subscription_ue ON subscription (ue);
CREATE INDEX subscription_expires ON subscription (expires);
CREATE TABLE topic_follower (
  topic TEXT COLLATE "C", kind TEXT COLLATE "C", id TEXT COLLATE "C", domain TEXT COLLATE "C",
  expires DOUBLE PRECISION, PRIMARY KEY (topic, kind, id));
CREATE INDEX topic_follower_id ON topic_follower (kind, id);
CREATE INDEX topic_follower_expires ON topic_follower (expires);
CREATE INDEX topic_follower_domain ON topic_follower (domain, kind);

-- ---- other servers, message gateways, tokens ----

CREATE TABLE peer (
  domain TEXT COLLATE "C" PRIMARY KEY, uri TEXT COLLATE "C", token TEXT COLLATE "C", own TEXT COLLATE "C",
  topics TEXT COLLATE "C");
CREATE TABLE message_gateway (
  kind TEXT COLLATE "C", id TEXT COLLATE "C", uri TEXT COLLATE "C", PRIMARY KEY (kind, id));
CREATE TABLE message_gateway_ue (who TEXT COLLATE "C" PRIMARY KEY, kind TEXT COLLATE "C", id TEXT COLLATE "C");
CREATE INDEX message_gateway_ue_gateway ON message_gateway_ue (kind, id);
CREATE TABLE as_token (id TEXT COLLATE "C" PRIMARY KEY, digest BYTEA UNIQUE, made DOUBLE PRECISION);
CREATE TABLE peer_token (
  kind TEXT COLLATE "C", id TEXT COLLATE "C", digest BYTEA UNIQUE, made DOUBLE PRECISION, PRIMARY KEY (kind, id));

CREATE TABLE list_follower (
  domain TEXT COLLATE "C" PRIMARY KEY, id TEXT COLLATE "C" UNIQUE, uri TEXT COLLATE "C", expires DOUBLE PRECISION);
CREATE TABLE list_told (domain TEXT COLLATE "C", topic TEXT COLLATE "C", PRIMARY KEY (domain, topic));
CREATE TABLE list_at (
  domain TEXT COLLATE "C" PRIMARY KEY, id TEXT COLLATE "C" UNIQUE, location TEXT COLLATE "C", renew DOUBLE PRECISION);
CREATE TABLE list_topic (domain TEXT COLLATE "C", topic TEXT COLLATE "C", PRIMARY KEY (domain, topic));
CREATE INDEX list_topic_topic ON list_topic (topic);
CREATE TABLE list_ask (
  domain TEXT COLLATE "C", topic TEXT COLLATE "C", kind TEXT COLLATE "C", id TEXT COLLATE "C", renew DOUBLE PRECISION,
  PRIMARY KEY (domain, topic, kind, id));
CREATE INDEX list_ask_renew ON list_ask (renew);
CREATE VIEW topic_here (topic, kind, id, expires) AS
  SELECT topic, 'UE' COLLATE "C", ue, expires FROM subscription
  UNION ALL SELECT topic, kind, id, expires FROM topic_follower WHERE domain='';

-- Grows with all that may make something to ask or to tell: a row a node, so that none waits for another; what is read
-- is the sum.
CREATE TABLE list_state (shard BIGINT PRIMARY KEY, changes BIGINT) WITH (fillfactor=50);
INSERT INTO list_state VALUES (0, 0);

CREATE FUNCTION list_changed() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO list_state AS had VALUES (msgin5g_shard(), 1)
    ON CONFLICT (shard) DO UPDATE SET changes=had.changes+1;
  RETURN NULL;
END $$;

-- One more of many subscribers of a topic changes nothing, unless a peer wants to hear of each.
CREATE FUNCTION list_subscribed() RETURNS TRIGGER LANGUAGE plpgsql AS $$
DECLARE
  it subscription := CASE WHEN TG_OP='DELETE' THEN OLD ELSE NEW END;
BEGIN
  IF NOT EXISTS (SELECT 1 FROM subscription AS s WHERE s.topic=it.topic AND s.ue<>it.ue)
      OR EXISTS (SELECT 1 FROM peer WHERE topics='each') THEN
    INSERT INTO list_state AS had VALUES (msgin5g_shard(), 1)
      ON CONFLICT (shard) DO UPDATE SET changes=had.changes+1;
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER list_subscribed AFTER INSERT OR DELETE ON subscription
  FOR EACH ROW EXECUTE FUNCTION list_subscribed();
CREATE TRIGGER list_changed AFTER INSERT OR DELETE ON topic_follower
  FOR EACH ROW EXECUTE FUNCTION list_changed();
CREATE TRIGGER list_changed_domain AFTER UPDATE OF domain ON topic_follower
  FOR EACH ROW WHEN (OLD.domain IS DISTINCT FROM NEW.domain) EXECUTE FUNCTION list_changed();
CREATE TRIGGER list_changed AFTER INSERT OR DELETE OR UPDATE ON list_follower
  FOR EACH ROW EXECUTE FUNCTION list_changed();
CREATE TRIGGER list_changed AFTER INSERT OR DELETE OR UPDATE ON list_told
  FOR EACH ROW EXECUTE FUNCTION list_changed();
CREATE TRIGGER list_changed AFTER INSERT OR DELETE OR UPDATE ON list_at
  FOR EACH ROW EXECUTE FUNCTION list_changed();
CREATE TRIGGER list_changed AFTER INSERT OR DELETE OR UPDATE ON list_topic
  FOR EACH ROW EXECUTE FUNCTION list_changed();
CREATE TRIGGER list_changed AFTER INSERT OR DELETE OR UPDATE ON list_ask
  FOR EACH ROW EXECUTE FUNCTION list_changed();
CREATE TRIGGER list_changed AFTER INSERT OR DELETE OR UPDATE ON peer
  FOR EACH ROW EXECUTE FUNCTION list_changed();

-- ---- configurations ----

CREATE TABLE ue_configurations (
  ue_id TEXT COLLATE "C" PRIMARY KEY, ue TEXT COLLATE "C" UNIQUE, server TEXT COLLATE "C", seg_size BIGINT,
  vendor TEXT COLLATE "C", type TEXT COLLATE "C", document TEXT COLLATE "C" UNIQUE, assigned_to TEXT COLLATE "C");
CREATE INDEX ue_configurations_assigned ON ue_configurations (assigned_to);
-- One of all nodes: where two make it at once, one is undone and finds the other's.
CREATE TABLE ue_id_secret (secret BYTEA, one BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (one));

-- ---- when UEs can be reached, triggers, monitoring ----

CREATE TABLE availability (
  ue TEXT COLLATE "C" PRIMARY KEY, since DOUBLE PRECISION, start DOUBLE PRECISION, duration DOUBLE PRECISION,
  interval DOUBLE PRECISION, opened DOUBLE PRECISION, wakes DOUBLE PRECISION);
CREATE INDEX availability_wakes ON availability (wakes) WHERE wakes IS NOT NULL;

CREATE TABLE triggering (
  ue TEXT COLLATE "C" PRIMARY KEY, ue_id TEXT COLLATE "C", ports TEXT COLLATE "C", due DOUBLE PRECISION,
  last DOUBLE PRECISION, tries BIGINT, token TEXT COLLATE "C" UNIQUE);
CREATE INDEX triggering_due ON triggering (due) WHERE due IS NOT NULL;
CREATE TABLE trigger_time (
  message BIGINT PRIMARY KEY, ue TEXT COLLATE "C", due DOUBLE PRECISION, stage BIGINT);
CREATE INDEX trigger_time_due ON trigger_time (due) WHERE due IS NOT NULL;
CREATE INDEX trigger_time_ue ON trigger_time (ue);
CREATE TABLE monitoring (
  ue TEXT COLLATE "C" PRIMARY KEY, token TEXT COLLATE "C" UNIQUE, link TEXT COLLATE "C", asked BOOLEAN, over BOOLEAN,
  due DOUBLE PRECISION, tries BIGINT);
CREATE INDEX monitoring_due ON monitoring (due) WHERE due IS NOT NULL;

-- ---- what is remembered of messages ----

CREATE TABLE trait (message BIGINT PRIMARY KEY, high BOOLEAN, whole TEXT COLLATE "C", names TEXT COLLATE "C");
CREATE INDEX trait_whole ON trait (whole) WHERE whole<>'';
CREATE TABLE element (msg_id TEXT COLLATE "C", message BIGINT, PRIMARY KEY (msg_id, message));
CREATE INDEX element_message ON element (message);
CREATE INDEX message_named ON message (lower(msg_id));
CREATE INDEX message_origin ON message (origin, origin_type);

-- ---- updates ----

CREATE TABLE update_bundle (
  id TEXT COLLATE "C" PRIMARY KEY, kind TEXT COLLATE "C", name TEXT COLLATE "C", version TEXT COLLATE "C",
  number BIGINT, trial BIGINT, octets BIGINT, manifest BYTEA, signature BYTEA, added DOUBLE PRECISION);
CREATE TABLE update_content (bundle TEXT COLLATE "C", place BIGINT, octets BYTEA, PRIMARY KEY (bundle, place));
CREATE TABLE update_job (
  job BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, bundle TEXT COLLATE "C", kind TEXT COLLATE "C",
  state TEXT COLLATE "C", why TEXT COLLATE "C", created DOUBLE PRECISION, stage BIGINT, plan TEXT COLLATE "C",
  failed BIGINT, devices BIGINT);
CREATE INDEX update_job_bundle ON update_job (bundle, state);
CREATE TABLE update_device (
  job BIGINT, ue TEXT COLLATE "C", state TEXT COLLATE "C", stage BIGINT, have BIGINT, total BIGINT,
  cause TEXT COLLATE "C", changed DOUBLE PRECISION, ready DOUBLE PRECISION, due DOUBLE PRECISION, tries BIGINT,
  slot DOUBLE PRECISION, wants TEXT COLLATE "C", sent TEXT COLLATE "C", again BOOLEAN, PRIMARY KEY (job, ue));
CREATE INDEX update_device_ue ON update_device (ue, job);
CREATE INDEX update_device_state ON update_device (job, state, ue);
CREATE INDEX update_device_next ON update_device (job) WHERE stage=0;
CREATE INDEX update_device_open ON update_device (job)
  WHERE stage>0 AND state IN ('waiting', 'offered', 'loading', 'verified', 'trying');
CREATE INDEX update_device_ready ON update_device (ready) WHERE ready IS NOT NULL;
CREATE INDEX update_device_due ON update_device (due) WHERE due IS NOT NULL;
CREATE INDEX update_device_slot ON update_device (slot) WHERE slot IS NOT NULL;

-- A row of each node, as of `load`: how many there are is the sum.
CREATE TABLE update_count (
  job BIGINT, state TEXT COLLATE "C", devices BIGINT, shard BIGINT DEFAULT msgin5g_shard(),
  PRIMARY KEY (job, state, shard)) WITH (fillfactor=50);

CREATE FUNCTION update_counts(its_job BIGINT, its_state TEXT, more BIGINT) RETURNS VOID LANGUAGE sql
  AS $$ INSERT INTO update_count AS had (job, state, devices, shard)
    VALUES (its_job, its_state, more, msgin5g_shard())
    ON CONFLICT (job, state, shard) DO UPDATE SET devices=had.devices+excluded.devices $$;
CREATE FUNCTION update_counted() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP<>'INSERT' THEN
    PERFORM update_counts(OLD.job, OLD.state, -1);
  END IF;
  IF TG_OP<>'DELETE' THEN
    PERFORM update_counts(NEW.job, NEW.state, 1);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER update_counted AFTER INSERT OR DELETE ON update_device
  FOR EACH ROW EXECUTE FUNCTION update_counted();
CREATE TRIGGER update_counted_anew AFTER UPDATE OF state ON update_device
  FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION update_counted();

-- ---- a Gateway UE ----

CREATE TABLE security_next (
  old BYTEA PRIMARY KEY, digest BYTEA, state TEXT COLLATE "C", due DOUBLE PRECISION, tries BIGINT DEFAULT 0,
  cause TEXT COLLATE "C");
CREATE INDEX security_next_digest ON security_next (digest);

CREATE TABLE app_client (
  app_id TEXT COLLATE "C" PRIMARY KEY, ue TEXT COLLATE "C", credential BYTEA, identifier TEXT COLLATE "C",
  registration_id BYTEA);
CREATE INDEX app_client_ue ON app_client (ue);
CREATE INDEX app_client_identifier ON app_client (identifier) WHERE identifier IS NOT NULL;
CREATE TABLE app_ue (number BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, ue TEXT COLLATE "C" UNIQUE);
CREATE TABLE target (address TEXT COLLATE "C" PRIMARY KEY, service_id TEXT COLLATE "C");

CREATE TABLE gateway_registration (
  ue TEXT COLLATE "C" PRIMARY KEY, ue_id TEXT COLLATE "C", host TEXT COLLATE "C", port BIGINT,
  expires DOUBLE PRECISION);
CREATE INDEX gateway_registration_expires ON gateway_registration (expires);
CREATE INDEX gateway_registration_ue_id ON gateway_registration (ue_id);
CREATE INDEX gateway_registration_peer ON gateway_registration (host, port);

CREATE TABLE gateway_way (
  ue TEXT COLLATE "C" PRIMARY KEY, host TEXT COLLATE "C", port BIGINT, expires DOUBLE PRECISION);
CREATE INDEX gateway_way_peer ON gateway_way (host, port);
CREATE INDEX gateway_way_expires ON gateway_way (expires);
CREATE TABLE gateway_segment_set (
  set_id TEXT COLLATE "C", up BOOLEAN, ue TEXT COLLATE "C", used DOUBLE PRECISION, PRIMARY KEY (set_id, up));
CREATE INDEX gateway_segment_set_used ON gateway_segment_set (used);
CREATE INDEX gateway_segment_set_ue ON gateway_segment_set (ue, used);

CREATE TABLE gateway_held (
  id BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, ue TEXT COLLATE "C" UNIQUE, kind TEXT COLLATE "C",
  body TEXT COLLATE "C", host TEXT COLLATE "C", port BIGINT, identity BYTEA, due DOUBLE PRECISION,
  until DOUBLE PRECISION, single BOOLEAN DEFAULT FALSE);
CREATE INDEX gateway_held_until ON gateway_held (until);
CREATE TABLE gateway_response (
  id BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, ue TEXT COLLATE "C" UNIQUE, kind TEXT COLLATE "C",
  body TEXT COLLATE "C", host TEXT COLLATE "C", port BIGINT, identity BYTEA, until DOUBLE PRECISION);
CREATE INDEX gateway_response_until ON gateway_response (until);
CREATE TABLE gateway_fetch (
  id BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, ue_id TEXT COLLATE "C" UNIQUE, state TEXT COLLATE "C",
  path TEXT COLLATE "C", local TEXT COLLATE "C", host TEXT COLLATE "C", port BIGINT, identity BYTEA,
  back TEXT COLLATE "C", due DOUBLE PRECISION, until DOUBLE PRECISION, answer TEXT COLLATE "C");
CREATE INDEX gateway_fetch_until ON gateway_fetch (until);
CREATE INDEX gateway_fetch_host ON gateway_fetch (host);
CREATE INDEX gateway_fetch_state ON gateway_fetch (state, id);

-- ---- all UEs that there are, for people ----

CREATE TABLE ue_listed (ue TEXT COLLATE "C" PRIMARY KEY, state TEXT COLLATE "C");
CREATE INDEX ue_listed_state ON ue_listed (state, ue);
CREATE TABLE ue_heard (ue TEXT COLLATE "C" PRIMARY KEY, at DOUBLE PRECISION);
-- A row of each node, as of `load`.
CREATE TABLE ue_count (
  state TEXT COLLATE "C", ues BIGINT, shard BIGINT DEFAULT msgin5g_shard(), PRIMARY KEY (state, shard))
  WITH (fillfactor=50);
INSERT INTO ue_count VALUES ('never', 0, 0), ('registered', 0, 0), ('away', 0, 0);

-- After any row of the UE has come or gone.
CREATE FUNCTION ue_relisted() RETURNS TRIGGER LANGUAGE plpgsql AS $$
DECLARE
  who TEXT COLLATE "C" := CASE WHEN TG_OP='DELETE' THEN OLD.ue ELSE NEW.ue END;
  its TEXT;
BEGIN
  IF EXISTS (SELECT 1 FROM gateway_way WHERE ue=who) THEN
    its = 'registered';
  ELSE
    SELECT CASE WHEN live THEN 'registered' ELSE 'away' END INTO its FROM registration WHERE ue=who;
    IF NOT FOUND AND EXISTS (SELECT 1 FROM device WHERE ue=who) THEN
      its = 'never';
    END IF;
  END IF;
  IF its IS NULL THEN
    DELETE FROM ue_listed WHERE ue=who;
  ELSE
    INSERT INTO ue_listed AS had (ue, state) VALUES (who, its)
      ON CONFLICT (ue) DO UPDATE SET state=excluded.state WHERE had.state<>excluded.state;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER ue_relisted AFTER INSERT OR DELETE ON device FOR EACH ROW EXECUTE FUNCTION ue_relisted();
CREATE TRIGGER ue_relisted AFTER INSERT OR DELETE ON registration FOR EACH ROW EXECUTE FUNCTION ue_relisted();
CREATE TRIGGER ue_relisted_live AFTER UPDATE OF live ON registration
  FOR EACH ROW WHEN (OLD.live IS DISTINCT FROM NEW.live) EXECUTE FUNCTION ue_relisted();
CREATE TRIGGER ue_relisted AFTER INSERT OR DELETE ON gateway_way FOR EACH ROW EXECUTE FUNCTION ue_relisted();

CREATE FUNCTION ue_counts(its_state TEXT, more BIGINT) RETURNS VOID LANGUAGE sql
  AS $$ INSERT INTO ue_count AS had (state, ues, shard) VALUES (its_state, more, msgin5g_shard())
    ON CONFLICT (state, shard) DO UPDATE SET ues=had.ues+excluded.ues $$;
CREATE FUNCTION ue_counted() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP<>'INSERT' THEN
    PERFORM ue_counts(OLD.state, -1);
  END IF;
  IF TG_OP<>'DELETE' THEN
    PERFORM ue_counts(NEW.state, 1);
  ELSE
    DELETE FROM ue_heard WHERE ue=OLD.ue;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER ue_counted AFTER INSERT OR DELETE ON ue_listed FOR EACH ROW EXECUTE FUNCTION ue_counted();
CREATE TRIGGER ue_counted_anew AFTER UPDATE OF state ON ue_listed FOR EACH ROW EXECUTE FUNCTION ue_counted();
