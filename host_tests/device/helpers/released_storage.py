# SPDX-License-Identifier: MIT
"""What the released firmware (commit 598cfdc) left on flash. Made by host_tests/released/make.py.

Rows by name, and the message IDs that it chose, of a device in each role.
"""

# fmt: off

CLIENT = {
    "log-1": (
        b"\xa7K\x00\x08\x00\x06[1,[]]0\x10$\xf4\xa7S\x00\x82\x00w[1,\x2234e37a3b-ed91-"
        b"4ef5-8637-563397d8bde2\x22,\x22ue:b@x\x22,\x22UE\x22,nu"
        b"ll,true,\x22NORMAL\x22,false,null,null,true,9,"
        b"null,null,null,false]deliveredT\x9f\x82\x97\xa7A\x00*\x00("
        b"[\x2234e37a3b-ed91-4ef5-8637-563397d8bde2\x22]"
        b"\x87\xdc\xd9\xf7\xa7S\x00\x90\x00|[2,\x227758fb77-9b75-4d84-aa11-02"
        b"8b1df829a6\x22,\x22ue:b@x\x22,\x22UE\x22,\x22thermo\x22,true,"
        b"\x22NORMAL\x22,false,null,null,true,18,null,nu"
        b"ll,null,false]waits for a report#S+\x0a\xa7A\x00*"
        b"\x00([\x227758fb77-9b75-4d84-aa11-028b1df829a6"
        b"\x22](\x9fR\xd2\xa7E\x00I\x00G[\x2234e37a3b-ed91-4ef5-8637-56"
        b"3397d8bde2\x22,\x22ue:b@x\x22,\x22UE\x22,\x22delivered\x22,nu"
        b"ll]\xde\xfc\xed@\xa7R\x00V\x00M[3,\x22ue:b@x\x22,\x22UE\x22,\x22ue:a@x\x22,\x22"
        b"UE\x22,\x22seen-0\x22,null,\x22NORMAL\x22,false,false,f"
        b"alse,null]value 0\x1e\x8b\xb2\xa4\xa7T\x00\x12\x00\x10[\x22seen-0\x22,fal"
        b"se]%\xadv}\xa7R\x00V\x00M[4,\x22ue:b@x\x22,\x22UE\x22,\x22ue:a@x\x22,\x22"
        b"UE\x22,\x22seen-1\x22,null,\x22NORMAL\x22,false,false,f"
        b"alse,null]value 1\x13\x8a\xa7\xad\xa7T\x00\x12\x00\x10[\x22seen-1\x22,fal"
        b"se]2\xd6b>\xa7R\x00V\x00M[5,\x22ue:b@x\x22,\x22UE\x22,\x22ue:a@x\x22,\x22"
        b"UE\x22,\x22seen-2\x22,null,\x22NORMAL\x22,false,false,f"
        b"alse,null]value 27w?F\xa7T\x00\x12\x00\x10[\x22seen-2\x22,fal"
        b"se]\x0b[^\xfb\xa7R\x00V\x00M[6,\x22ue:b@x\x22,\x22UE\x22,\x22ue:a@x\x22,\x22"
        b"UE\x22,\x22seen-3\x22,null,\x22NORMAL\x22,false,false,f"
        b"alse,null]value 3#\x89y\xb7\xa7T\x00\x12\x00\x10[\x22seen-3\x22,fal"
        b"se]\x1c J\xb8\xa7R\x00V\x00M[7,\x22ue:b@x\x22,\x22UE\x22,\x22ue:a@x\x22,\x22"
        b"UE\x22,\x22seen-4\x22,null,\x22NORMAL\x22,false,false,f"
        b"alse,null]value 4~\x8c\x0e\x90\xa7T\x00\x12\x00\x10[\x22seen-4\x22,fal"
        b"se]xA'q\xa7R\x00V\x00M[8,\x22ue:b@x\x22,\x22UE\x22,\x22ue:a@x\x22,\x22"
        b"UE\x22,\x22seen-5\x22,null,\x22NORMAL\x22,false,false,f"
        b"alse,null]value 5@s\xbci\xa7T\x00\x12\x00\x10[\x22seen-5\x22,fal"
        b"se]o:32\xa7R\x00R\x00N[9,\x22ue:b@x\x22,\x22UE\x22,\x22ue:a@x\x22,\x22"
        b"UE\x22,\x22reported\x22,null,\x22NORMAL\x22,true,false,"
        b"false,null]hiw\xff\xc3\xf3\xa7T\x00\x13\x00\x11[\x22reported\x22,true]"
        b"4\x81\xb8\x01\xa7Q\x00\x0e\x00\x0c[\x22reported\x22]\xd2i\x1c{\xa7R\x00q\x00R[10,\x22ue:"
        b"b@x\x22,\x22UE\x22,\x22ue:a@x\x22,\x22UE\x22,\x22report-owed\x22,nu"
        b"ll,\x22NORMAL\x22,true,false,false,null]taken,"
        b" and its report is owed\x1f\x92,\x0b\xa7R\x00c\x00S[11,\x22ue"
        b":b@x\x22,\x22UE\x22,\x22ue:a@x\x22,\x22UE\x22,\x22in-inbox\x22,\x22the"
        b"rmo\x22,\x22NORMAL\x22,true,false,false,null]nobo"
        b"dy took it\xf0Oz\xb3"
    ),
    "log-2": (
        b"\xa7K\x00\x98\x00N[11,[[\x2234e37a3b-ed91-4ef5-8637-563"
        b"397d8bde2\x22,\x22ue:b@x\x22,\x22UE\x22,\x22delivered\x22,nul"
        b"l]]]\x11\xa8\xea\x03\xe3\x91j=\xf7\xb7\xf4\x81_\x0f)\xb3\x11\xa7\x8f(\xbf;\xd5\xfeT\xd2i\xac\xdf\xcb\xb3Y}\xb3\x9cJ"
        b"\xb6\x9f7\x0f\x12\x91\x86\xba\x10\x9cD\xa7\x8eu+\xb9\x81|\x062\x1a\xe7\xe9\xb5\x95R\xdcB\x85\xd0\x87\x06j%\xa7[\xf6\xd1\x13K"
        b"\xa7O\x00r\x00p[\x22ue:b@x\x22,\x22large\x22,\x22set-1\x22,[0,\x22ue:b"
        b"@x\x22,\x22UE\x22,\x22ue:a@x\x22,\x22UE\x22,\x22large-in-inbox\x22,"
        b"null,\x22NORMAL\x22,false,false,false,null]]x\x22"
        b"\xa1\x95\xa7R\x00[\x00Y[12,\x22ue:b@x\x22,\x22UE\x22,\x22ue:a@x\x22,\x22UE\x22,"
        b"\x22large-in-inbox\x22,null,\x22NORMAL\x22,false,fal"
        b"se,false,\x22set-1\x22]$;\xe6H\xa7C\x00\x14\x00\x12[\x22ue:b@x\x22,\x22la"
        b"rge\x22]\x8aIC~\xa7O\x00k\x00i[\x22ue:b@x\x22,\x22open\x22,\x22set-2\x22,"
        b"[0,\x22ue:b@x\x22,\x22UE\x22,\x22ue:a@x\x22,\x22UE\x22,\x22open-set"
        b"\x22,null,\x22NORMAL\x22,false,false,false,null]]"
        b"\xda\xb4\xf5\xa6\xa7S\x00\x82\x00y[13,\x22fd629289-183d-4319-b990-d"
        b"41f47ed7095\x22,\x22ue:b@x\x22,\x22UE\x22,null,false,\x22N"
        b"ORMAL\x22,false,null,null,true,7,null,null,"
        b"null,false]refused\x10\xbe\x92\x98\xa7E\x00K\x00I[\x22fd629289-1"
        b"83d-4319-b990-d41f47ed7095\x22,\x22ue:b@x\x22,\x22UE"
        b"\x22,\x22failed\x22,\x224.00 no\x22]|\xec\x096\xa7S\x00\x9a\x00\x98[14,\x22011e"
        b"b1de-12b3-4291-a62c-1b2020d5e7d6\x22,\x22ue:c@"
        b"x\x22,\x22UE\x22,null,false,\x22NORMAL\x22,false,null,n"
        b"ull,true,5300,\x22out-3\x22,[2048,287,\x225441afb"
        b"b7a7765f9\x22],null,false]\xa8jd\x00\xa7P\x00@\x00>[\x22011eb"
        b"1de-12b3-4291-a62c-1b2020d5e7d6\x22,\x22111000"
        b"0000000000000\x22]\x03\xe8\xd0\xc5\xa7S\x00\x97\x00\x90[15,\x22747a493a-b"
        b"6fa-4214-95ec-b47069148a4b\x22,\x22ue:d@x\x22,\x22UE"
        b"\x22,\x22thermo\x22,false,\x22HIGH\x22,true,86400000,\x222"
        b"026-01-02T00:00:00Z\x22,true,5,null,null,nu"
        b"ll,false]short\xc3\xc6\xceE\xa7S\x00\x86\x00z[16,\x224ed6f969-cc"
        b"0c-473f-b2c4-f36eb16d1e4d\x22,\x22as:e@x\x22,\x22AS\x22"
        b",null,true,\x22NORMAL\x22,false,null,null,fals"
        b"e,10,null,null,null,false]\x00\xff\x10 octets\x0c\x89\xf7."
        b"\xa7S\x00\xa1\x00\x9f[17,\x228de805ba-a478-447f-948c-045f5"
        b"af632f8\x22,\x22group:f@x\x22,\x22GROUP\x22,null,false,"
        b"\x22NORMAL\x22,false,null,null,false,2560,\x22out"
        b"-4\x22,[2048,281,\x2235dd3de2d6253b9a\x22],null,f"
        b"alse]\xdf#>\xb0\xa7T\x00\x16\x00\x14[\x22report-owed\x22,true]\xe8:\xce\x86"
    ),
    "out-3": b"s" * 5300,
    "out-4": b"\x80" * 2560,
    "set-1": (
        b"\xa7G\x00\xcd\x00\x02\x00\x02wooooooooooooooooooooooooooooooo"
        b"oooooooooooooooooooooooooooooooooooooooo"
        b"oooooooooooooooooooooooooooooooooooooooo"
        b"oooooooooooooooooooooooooooooooooooooooo"
        b"oooooooooooooooooooooooooooooooooooooooo"
        b"ooooooooo\xe3\x8a\xffA\xa7G\x00\x0a\x00\x01\x00\x02hello \x04\x97\xd6u"
    ),
    "set-2": (
        b"\xa7G\x00\x08\x00\x01\x00\x03one \xd0/\xfa\xbd\xa7G\x00\x09\x00\x03\x00\x03threeQ\x01\x01("
    ),
    "topics": (
        b"[[\x22alerts\x22,false],[\x22weather\x22,true]]"
    ),
}
CLIENT_IDS = {
    "delivered": "34e37a3b-ed91-4ef5-8637-563397d8bde2",
    "waiting": "7758fb77-9b75-4d84-aa11-028b1df829a6",
    "segmented": "011eb1de-12b3-4291-a62c-1b2020d5e7d6",
    "short": "747a493a-b6fa-4214-95ec-b47069148a4b",
    "octets": "4ed6f969-cc0c-473f-b2c4-f36eb16d1e4d",
    "large": "8de805ba-a478-447f-948c-045f5af632f8",
}

OSCORE = {
    "log-1": (
        b"\xa7K\x00\x08\x00\x06[1,[]]0\x10$\xf4\xa7S\x00\x86\x00y[1,\x2200000000-0000-"
        b"4000-8000-000000000000\x22,\x22ue:b@x\x22,\x22UE\x22,nu"
        b"ll,false,\x22NORMAL\x22,false,null,null,true,1"
        b"1,null,null,null,false]under a keyR<\x7f\xc9"
    ),
    "oscore-8930ba133444": (
        b"\x00\x00\x00\x00@OV\x9e"
    ),
}
OSCORE_IDS = {
    "queued": "00000000-0000-4000-8000-000000000000",
}

L3 = {
    "in-1": (
        b"\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xa3\x01,*********************"
        b"****************************************"
        b"****************************************"
        b"****************************************"
        b"****************************************"
        b"****************************************"
        b"****************************************"
        b"***************************************"
    ),
    "log-1": (
        b"\xa7K\x00\x08\x00\x06[1,[]]0\x10$\xf4\xa7S\x00\x89\x00~[1,\x2200000000-0000-"
        b"4000-8000-000000000001\x22,\x22b.example.org\x22,"
        b"\x22UE\x22,null,true,\x22NORMAL\x22,false,null,null,"
        b"true,9,null,null,null,false]delivered\xff\xc9K"
        b"\x05\xa7A\x00*\x00([\x2200000000-0000-4000-8000-0000000"
        b"00001\x22]:f\x9f\x08\xa7R\x00\x8f\x00x[2,\x22ue:a\x22,null,\x22ue:mete"
        b"r-7@example.org\x22,\x22UE\x22,\x2200000000-0000-000"
        b"0-0000-0000000000a1\x22,null,\x22NORMAL\x22,true,"
        b"false,false,null]data:;base64,dGFrZW4=\xc9\x98"
        b";E\xa7T\x00/\x00-[\x2200000000-0000-0000-0000-000000"
        b"0000a1\x22,true]\x8f\x1a\xadj\xa7R\x00\x8b\x00x[3,\x22ue:a\x22,null,\x22u"
        b"e:meter-7@example.org\x22,\x22UE\x22,\x2200000000-00"
        b"00-0000-0000-0000000000a2\x22,null,\x22NORMAL\x22"
        b",true,false,false,null]data:;base64,YWJj"
        b"\xac\x00\xd7{\xa7R\x00\x82\x00\x80[4,\x22\x22,null,\x22ue:meter-7@example"
        b".org\x22,\x22UE\x22,\x2200000000-0000-0000-0000-0000"
        b"000000a3\x22,null,\x22NORMAL\x22,false,false,fals"
        b"e,[\x22in-1\x22,19,300]]\x19\xaf$\x16\xa7S\x00\x85\x00~[5,\x2200000000"
        b"-0000-4000-8000-000000000003\x22,\x22b.example"
        b".org\x22,\x22UE\x22,null,true,\x22NORMAL\x22,false,null"
        b",null,true,5,null,null,null,false]short\x17"
        b"\xf2 P\xa7S\x00\x87\x00\x85[6,\x2200000000-0000-4000-8000-000"
        b"000000004\x22,\x22c.example.org\x22,\x22UE\x22,258,fals"
        b"e,\x22NORMAL\x22,false,null,null,false,3000,\x22o"
        b"ut-1\x22,null,null,false]\xc5h\x02\x83"
    ),
    "out-1": b"\x80" * 3000,
}
L3_IDS = {
    "waiting": "00000000-0000-4000-8000-000000000001",
    "short": "00000000-0000-4000-8000-000000000003",
    "large": "00000000-0000-4000-8000-000000000004",
}

JSON = {
    "log-1": (
        b"\xa7K\x00\x08\x00\x06[1,[]]0\x10$\xf4\xa7S\x00\x85\x00~[1,\x2200000000-0000-"
        b"4000-8000-000000000002\x22,\x22b.example.org\x22,"
        b"\x22UE\x22,null,true,\x22NORMAL\x22,false,null,null,"
        b"true,5,null,null,null,false]waits\xa5\x22\xe5\xcc"
    ),
}
JSON_IDS = {
    "queued": "00000000-0000-4000-8000-000000000002",
}
