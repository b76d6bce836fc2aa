"""The sha256 of all schemas of each release: see :func:`tests.schemas.official.checksum`."""

HASHES = {
    "runtime-spec 1.0.0": "2982a2604be542fc23bea3d7eb0aa0381e329d43eaa902670cbb185303699123",
    "runtime-spec 1.0.1": "28e6c407fedbdec683b76a6d587c7a29dadc611ceba88e1577c3f26754b71903",
    "runtime-spec 1.0.2": "de19aea16c6ede4cb2529f158a3359afcd9e797199318071ad57ebd60fcdf354",
    "runtime-spec 1.1.0": "03187ed7eed1216e19f4aadc7e0b2e4bc639dc4a2868a8052478f3f1b74a34b7",
    "runtime-spec 1.2.0": "02141d4b6b492a82025c480a9f0398320e133e661c17cf1a0e0b3cec38723b0f",
    "runtime-spec 1.2.1": "ff761b1eda2a9ca2db65c85a825145cdf2848a1a0f44c5526336d32af297eedc",
    "runtime-spec 1.3.0": "b36d3bf71a2af76d5e76a976ce318c6c6df5ce5c545f4e3dc8fed7458c525dc6",
    "image-spec 1.0.0": "3af5e8d7aa4ff420eabcdf987598c8446202f65bddbf0a1a8aea39f204b363c3",
    "image-spec 1.0.1": "3af5e8d7aa4ff420eabcdf987598c8446202f65bddbf0a1a8aea39f204b363c3",
    "image-spec 1.0.2": "3af5e8d7aa4ff420eabcdf987598c8446202f65bddbf0a1a8aea39f204b363c3",
    "image-spec 1.1.0": "43c78fea7ea4e05563730024fd14ac3ab5b15042ff86366b3b27ec2ead765760",
    "image-spec 1.1.1": "b23d9cb90aa7df42fe9c8d0e0509f1c41cb82e7b12dc6b8135c2480bd93f4197",
}
