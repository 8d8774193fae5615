# SPDX-License-Identifier: MIT
"""Hostile octets are no signature, never an error, and take no more of the heap: hash-based signatures of RFC 8554.

The two keys are those of pyhsslms 2.0.0, LMS_SHA256_M24_H5 with LMOTS_SHA256_N24_W4: few hashes, few octets. The one
above has signed the one below: one level or two.
"""

import gc
import io

from common import Random, Skip, equal
from device.update import lms

ABOVE = bytes.fromhex(
    "0000000a00000007202122232425262728292a2b2c2d2e2fdaa6b0d70adb3a4781622867370202b348d5c39bba3c79ae"
)
SIGNED_ABOVE = bytes.fromhex(
    "00000015000000076465666768696a6b6c6d6e6f707172737475767778797a7bf3229786e89f800fffc381dc5312b9c6"
    "0990ddf881f7b238657ac1fe2e9a8132f6566f937a5367e3da31b23a3d1e1fb3cc9d50a493d0445e3c6447cbbeb8900e"
    "718aaccce95c9758a503fce27e91cf4cb6170a4f06ae2ff834b772426efe28f34d5cc4dbe49846697fa728455f79d823"
    "862e52c2b9901b8fa6a874cb55d0ec375ea358d0fe71a79782d89a067ee6e94e5c2157a53531d818cd52b9f51611727d"
    "50d8b20f4db8de78cb5f11a67007cdcd12a2265efb1d5c259f61558ff826509b5898cfb3ac3debd10f4c11e8a8032dd6"
    "900ce0ed45f0e52408f5855becb16588b0a4c57f272db031eeeb07650dca0a6f5029262e4ada8ef72d252312ef4d7495"
    "732d3086d6549fcd09356796f7d36e7afb4c80b78315e2ba0f1189072150bbc624add90b74fda29e33d0bb8deecb3084"
    "600250b115309a7317eaadfd1eef30a7ce24dbaf4a7277c4bcb06312414c21266023608ae371de4b8887248bcf2eacd6"
    "a1c7df91abbcb5ab27122a8ba3ef23c238cb37903d382b0748bc69332c5d903a85f899dbf2e050a33091ee50801adb27"
    "520a6388fd1cb7d6b62c0f7d86c37f0de9c28d6b79d4f0160d882d8825e784a4861cbecb97daeaf77033f5b074cf93f8"
    "f45c0863271b8cd02d9f94d3be08f2ab4d74849b8dd5e507a965bcfb2fe473c12da211c10fc6dd5e12404604a6167d89"
    "66d10121320ef3ea181c273e163b66e5c25adb4478419ccc66a7e5f45d3c4593a2913d090bb4681d0aa53d5c4bff154d"
    "55b5ad30ac0aaf439338efe8bcfe27b75fcc3962dfb0777349e8ab7e72817edc189b7b582da29ae76dbffaef7b2c3fc7"
    "23cd6f4415923ef14e3affac14c0c50b2d0a03e8a651ab23f97438bfa7475a9b84eaa63e2aca3fd52b83413116cc66a5"
    "3417b69d3b97a37862e4942f15203c2d6b147a5afa57253a30a512cbc7643bafcbd0df8e1fccd1ca3531a7dff0aeac54"
    "89230f892d83ff6baf7d874bec397a86cacd9887c96436907a68855a48f0d2c966e7daac79349584ac6604f35e52585f"
    "b2347db0a0bff4da412fabbacf394991a9db5cb9537324dff4744dbbe98fb2e7b4e6d767514d3861f6045f15c0d71410"
    "0c0fc2a7a52436004d65c2f0c90a4e5754d71a18efd8c8dcc894b44f94e1c4b2cfafcb76342e753a7540698eeff06e64"
    "ed71e6bbe5dc3e0359443ff75e48ef7741df15d986b76dc4b97fcfd6b2114a6122a0ceee7176ab3cad75f999976d5b76"
    "e9d1849290adbd7f9b7471fd52f6c96580fc07970ac41d10dddf3607daed063ae0f19c8ac96abc5800e150d23424450c"
    "6efc3441b3686359d597c9f182d67e9905d035bde839bef54b643dbe64b043dbcb7e36f56e35ecab704caa7953cce108"
    "fdbee35a2167c74f68e4df1d9fa15dea40a9632f65efdf73245e8d37d152f6069eec4b48336d6df770ed7b6a694153e8"
    "d18174034499b5745434c837da1e71368a257f942afe84c6f1ecedecf553902b5e1240342946315105e18bf93e7119ad"
    "3491adabfdbbdef4cf665b427370f62693f62139c6fd3123d6a5b6552b366bfc34b94b50e8f04ba1384960737abcdad8"
    "5a835d1b5eeed6fe3b81a779115e1eaa4c673039b9b167ca1dc3928dc7211c6e6a8d7ceecaebe2321a78cdf21e5e587b"
    "c0c5876c6e9075276da0dcc0d50ac48c10eaec82dac5362bb2e50fd1359f3be38e07f25d02d7b8b102498fa984356c5d"
    "2f26a9e455fb62040000000aad74ac38be65cd50c956e6f287c7580003cc1338cf42426c548bbdf6ca3a5e89abd75320"
    "3708be27596921218da1bbbbf838649e34003d6dab7cada33cdf1d5a6fdb1a675015b5feb9b152ebef7f402c965ef552"
    "3341356eb124eb647f3cb691c50d38d327a3ef7a1c4274387f9b5e8c44ad539fe382a9ec"
)
BELOW = bytes.fromhex(
    "0000000a00000007404142434445464748494a4b4c4d4e4f498232770bc06924039764535e1c72039a94599ff292cf83"
)
SIGNED_BELOW = bytes.fromhex(
    "00000009000000076465666768696a6b6c6d6e6f707172737475767778797a7bd793ffe78aa38ac0aecbb802959c29b1"
    "cb6705d8cd5e0024ff409808a07efd8fbad91b5e2b3150cc7c623c2ff17d94c95e3553ef1cc8073a692b05daa457e189"
    "a8cee7df5a13c7d739b78562388df2590d6a24713bd9439546484886cbbe1b2d9a11dd40e41f1a4b93f651be6e61d025"
    "01bf8b509f25dabe58716570c73f0b9f30db2e161496149c2ae88c4dfa4831f2b86d8bd53850aee67a8a2d8df63dd564"
    "dd93953ea291dad790574b31c14f61f7d13d99cfe6dc210787f4eb31a84bdd46b9c5a695f5ebcb4e8939c8946d49fd01"
    "790bb6345db7fadfecf4b36712579cd6d892e09428df60e92378ce46d38a0b7288cbb689d4e518ac26611bb450fdd20d"
    "04449930ac229c9604bfeafecebf40c1c111b2dab936c06ae975b79de3a7d3db3c23efbf607b3df30dbc4d1c94a20e65"
    "1e0015819b73322829aedb434aa6980b976b5a298d3e6a1ac860b6164a57530e13dd7913fcfadbe2c96439606d4f8f0f"
    "cca4a3a103092eff17fde8997aa441ae94a8951a0435c45328049a3ee9aae06966caa7bae8c047cd9a7272d7df69509c"
    "c1d7651407386732e640ecc4a827f17fa078c5514e5d56ad50549e550abc0e5f811f114119e772c5e31078ec9fffc3e9"
    "5c8de80afc6dfaf9b2b8636252adf5cfc06c16e37cffcae88f244face60bfabedd74da97ebf7048fdf832d8106d8ca61"
    "87af39191ca32d9c86a0a062af8fa579c9e5b9c8e3e011d7f4f33c3ed48da75cdead5772ffac12ce6889fa24d2d1a262"
    "f0751a60d9fb5a9a6aaa36b6d751b81625dae46355ec8e4cecc52fb6f4d03d2e7889d42fe6e0878bcae24553fe22f43b"
    "e559f125dd0763b8203f479773b35fb17cc96cb0bd99ab4cf6e41a0d8d8123e27251fb82ed5a1c4db461a699ef709755"
    "e642a6901e595ca59cf0a903b6c9ce4c8609359a8d3ff2aca18f531ff576d844045c5615f9e45429dba5b98bc19d43fe"
    "1837cdb76362b6b7443674ce638d1990f5dddb841d8f8931d03ab93dcf03f3cb60a5396087abf6bc36f477004543459b"
    "92ca2b66df0e371b95a136d4e04fb3d5f4aa0bb4410a346bd38a48e7bd75f7b4ed5001de430022e4095e0116308452e9"
    "717ff1e0d02d9e8b9b2c10bd6becc4cd2b288a2da4fc3c5421c5749b2c9d2f6d6ee7a2b631b8837d5794229d758e2869"
    "59bf8b4523ba267af3ce9f9c38f3b70b98bfa098bfba3c63286d90c03844d954a6a465593428adb394df83c6f6d98121"
    "3bab576d65a7b9af8199af3cbf174aa53735ddf3645247520114290df91cbd870b65f210c446dc08fec5eead4ea4adaa"
    "9b83c58adfcc8d4fa1e1f1f5dfbf73a8428e045ad123d6fea80c9b1c7a68f781596dcd671611032a9b54c2a31dec815f"
    "5928dc77f0cecb5487ef6f4e37edbabfb0c20bd2ca0489a3dc49717ea51d77e8214d3fb0967d4de8bc43f347d67482d7"
    "d15c1f8648b78d3c54060c0940c7437e43aea077e97bf71883924771476ece85a920a460f8eaac386b1ae4c2fffddcd2"
    "49b052d5e5457addf94f9c2e0e240d0e140b4501559633ef9b89bebe4b479a83ce14005181533be16b33cffb42cf038e"
    "5c0a5f8d4e18d30a3a233f348853309e6d48c8417864146e9ca674571da6932ec02c144deb4d2ae2b1dc8da0cada6967"
    "83412919b515336c0c87df94ec92fb9b68aad7c4ff2a2f6bf697dd924455d679cceeaba72a6c53327768e0db832e7239"
    "3823051226741f560000000a1ef20e77b833667214141cb272676e9d3f6e98e39afa427285e2f84fce447783573f68de"
    "6447fdb6e4a8f8cddb4b4013500eb04391c4eb304667dea8b0fad0b5a37562aa1b198a94256f92bcf59ea5de3aab75b4"
    "af9cceef65c39fce56d5b63ccb979bf358fb8d0ea82232cf5d5171b6ac8ec251a3bc1de7"
)
MESSAGE = b"a message"

# RFC 8554 sections 4.5 and 5.4: 4 octets of levels, then q, LM-OTS type, C, p chains, LMS type, h hashes of the path
CHAINS = {1: 265, 2: 133, 3: 67, 4: 34, 5: 200, 6: 101, 7: 51, 8: 26}

ONE = b"\0\0\0\1" + BELOW  # the HSS key of one level
ONE_SIGNED = bytes(4) + SIGNED_BELOW
TWO = b"\0\0\0\2" + ABOVE
TWO_SIGNED = b"\0\0\0\1" + SIGNED_ABOVE + BELOW + SIGNED_BELOW
# 4 of levels, the signature of the key below: 4 of q, 1,252 of LM-OTS, 4 of type, 5 * 24 of the path; that key
BELOW_AT = 4 + 1380
SECOND_AT = BELOW_AT + 48


def changed(octets, at, by=1):
    octets = bytearray(octets)
    octets[at] ^= by
    return bytes(octets)


def number(value):
    return value.to_bytes(4, "big")


def formed(kind, one_time, filling=b"\x5a", leaf=0):
    """A key and a signature of one level whose form is right."""
    size, height = (24 if kind > 9 else 32), 5 * ((kind - 5) % 5 + 1)
    key = number(1) + number(kind) + number(one_time) + filling * (16 + size)
    signature = number(0) + number(leaf) + number(one_time) + filling * (size * (1 + CHAINS[one_time]))
    return key, signature + number(kind) + filling * (size * height)


def test_what_is_right():
    equal(len(ONE_SIGNED), BELOW_AT)
    equal(lms.verify(ONE, MESSAGE, ONE_SIGNED), True)
    equal(lms.verify(TWO, MESSAGE, TWO_SIGNED), True)
    equal(lms.verify(number(1) + ABOVE, BELOW, bytes(4) + SIGNED_ABOVE), True)


def test_octets_of_any_kind():
    for kind in (bytearray, memoryview):
        equal(lms.verify(kind(ONE), kind(MESSAGE), kind(ONE_SIGNED)), True)


def test_a_message_that_is_read_in_pieces():
    class Three:
        """Gives three octets at a time, or fewer."""

        def __init__(self, octets):
            self._file = io.BytesIO(octets)

        def read(self, size):
            return self._file.read(min(size, 3))

    equal(lms.verify(ONE, Three(MESSAGE), ONE_SIGNED), True)
    equal(lms.verify(TWO, io.BytesIO(MESSAGE), TWO_SIGNED), True)
    equal(lms.verify(ONE, Three(MESSAGE[:-1]), ONE_SIGNED), False)


def test_what_reading_raises_goes_on():
    class Broken:
        def read(self, size):
            raise OSError(5)

    try:
        lms.verify(ONE, Broken(), ONE_SIGNED)
    except OSError as error:
        equal(error.args[0], 5)
    else:
        raise AssertionError("a message that could not be read was verified")


def test_another_message():
    for message in (b"", MESSAGE[:-1], MESSAGE + b"\0", changed(MESSAGE, 0)):
        equal(lms.verify(ONE, message, ONE_SIGNED), False)
    equal(lms.verify(TWO, BELOW, TWO_SIGNED), False)


def test_each_octet_of_a_signature():
    for at in range(len(ONE_SIGNED)):
        if lms.verify(ONE, MESSAGE, changed(ONE_SIGNED, at, 1 << at % 8)):
            raise AssertionError("octet %d may be changed" % at)


def test_each_octet_of_a_key():
    for at in range(len(ONE)):
        if lms.verify(changed(ONE, at, 1 << at % 8), MESSAGE, ONE_SIGNED):
            raise AssertionError("octet %d may be changed" % at)


def test_octets_of_two_levels():
    # each member of the one above, all of the key below, the members of its signature
    places = [3, 7, 11, 12, 36, 1259, 1263, 1264, BELOW_AT - 1]
    places += range(BELOW_AT, SECOND_AT)
    places += [SECOND_AT + member for member in (3, 7, 8, 32, 1259, 1379)]
    for at in places:
        if lms.verify(TWO, MESSAGE, changed(TWO_SIGNED, at)):
            raise AssertionError("octet %d may be changed" % at)


def test_a_level_left_out():
    equal(lms.verify(TWO, BELOW, bytes(4) + SIGNED_ABOVE), False)
    equal(lms.verify(TWO, MESSAGE, ONE_SIGNED), False)
    equal(lms.verify(number(1) + ABOVE, MESSAGE, TWO_SIGNED), False)


def test_a_signature_of_each_other_length():
    for length in range(len(ONE_SIGNED)):
        equal(lms.verify(ONE, MESSAGE, ONE_SIGNED[:length]), False)
    equal(lms.verify(ONE, MESSAGE, ONE_SIGNED + b"\0"), False)
    for length in (-1, 0, 8, 47, 48, 52, 48 + 1379):
        equal(lms.verify(TWO, MESSAGE, TWO_SIGNED[: BELOW_AT + length]), False)
    equal(lms.verify(TWO, MESSAGE, TWO_SIGNED + b"\0"), False)


def test_a_key_of_each_other_length():
    for length in range(len(ONE)):
        equal(lms.verify(ONE[:length], MESSAGE, ONE_SIGNED), False)
    equal(lms.verify(ONE + b"\0", MESSAGE, ONE_SIGNED), False)


def test_types_that_are_none():
    # 0x0F and 0x09 on are those of SHAKE256 (SP 800-208), which no device has.
    for kind in (0, 1, 4, 15, 20, 0x80000005, 0xFFFFFFFF):
        key = ONE[:4] + number(kind) + ONE[8:]
        equal(lms.verify(key, MESSAGE, ONE_SIGNED), False)
        signature = ONE_SIGNED[:1260] + number(kind) + ONE_SIGNED[1264:]
        equal(lms.verify(key, MESSAGE, signature), False)
    for one_time in (0, 9, 16, 0x80000008, 0xFFFFFFFF):
        key = ONE[:8] + number(one_time) + ONE[12:]
        equal(lms.verify(key, MESSAGE, ONE_SIGNED), False)
        equal(lms.verify(key, MESSAGE, ONE_SIGNED[:8] + number(one_time) + ONE_SIGNED[12:]), False)


def test_hashes_of_two_sizes():
    # SP 800-208 section 4: a tree and what its leaves sign have the same hash.
    key, signature = formed(5, 4)
    key = key[:8] + number(8) + key[12:]
    equal(lms.verify(key, b"", signature[:8] + number(8) + signature[12:]), False)


def test_levels_that_are_none():
    for levels in (0, 2, 9, 0xFFFFFFFF):
        equal(lms.verify(number(levels) + ONE[4:], MESSAGE, ONE_SIGNED), False)
        signature = number((levels - 1) & 0xFFFFFFFF) + ONE_SIGNED[4:]
        equal(lms.verify(number(levels) + ONE[4:], MESSAGE, signature), False)


def test_a_leaf_that_the_tree_has_not():
    # 2^5 leaves: the number would be that of another node.
    for leaf in (32, 9 + 32, 1 << 31, 0xFFFFFFFF):
        signature = ONE_SIGNED[:4] + number(leaf) + ONE_SIGNED[8:]
        equal(lms.verify(ONE, MESSAGE, signature), False)


def test_each_pair_of_parameters_is_walked_through():
    # p of RFC 8554 table 1 and of SP 800-208 table 4 is how many pieces there are; the last one is the answer.
    for one_time in CHAINS:
        for kind in (5, 8) if one_time < 5 else (10, 13):
            pieces = list(lms.steps(formed(kind, one_time)[0], b"", formed(kind, one_time)[1]))
            equal(pieces, [None] * CHAINS[one_time] + [False])


def test_whatever_comes():
    random = Random(8554)
    for _ in range(300):
        octets = random.bytes(random.below(120))
        equal(lms.verify(ONE, b"", octets), False)
        equal(lms.verify(octets, b"", ONE_SIGNED), False)
        equal(lms.verify(ONE, b"", ONE_SIGNED[: random.below(20)] + octets), False)


def test_the_heap_stays_as_it_is():
    if not hasattr(gc, "mem_alloc"):
        raise Skip("CPython does not say")
    grown = []
    for one_time in (4, 3, 2, 1):
        key, signature = formed(5, one_time)
        message = io.BytesIO(bytes(4096))
        gc.collect()
        before = gc.mem_alloc()
        most = 0
        for _ in lms.steps(key, message, signature):
            gc.collect()
            most = max(most, gc.mem_alloc() - before)
        grown.append(most)
    # Two generators, a block of 55 octets, some views, 8 octets a word: of a signature of 8.5 KB as of one of 1.3 KB.
    assert max(grown) <= 1536 and max(grown) - min(grown) <= 64, grown
