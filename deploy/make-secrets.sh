#!/bin/sh
# Makes the secrets of docker-compose.yml, random ones, in deploy/secrets; what is there already stays as it is.
# Compose mounts the files. They can be read by all, as the users of the containers are not that of this
# machine, and lie in a folder that is their owner's alone.
set -eu
cd "$(dirname "$0")"
umask 077
mkdir -p secrets
cd secrets

random() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }

# keep NAME [MODE] writes standard input to a file, unless it is there.
keep() {
  [ -e "$1" ] && return
  cat > "$1.new"
  chmod "${2:-0444}" "$1.new"
  mv "$1.new" "$1"
}

for name in redis-password redis-node-password mongodb-password mongodb-root-password mongodb-key operator-token claim-token-secret; do
  random | keep "$name"
done
# For `coupon` on this machine, which warns where others may read the file of its token.
keep coupon-token 0600 < operator-token

# The rights that docs/operations.md lists: of the service, of preflight and of `coupon verify`.
rights='~cp:* +ping +eval +evalsha +info +time +exists +unlink +rename +renamenx +set +hset +hsetnx +hget +hmget +hlen +hincrby +hdel +hscan +rpush +lpush +llen +lrem +lpop +xadd +xlen +xrange +xdel +config|get +multi +exec +hgetall +lrange'
keep redis-users << EOT
user default off
user coupons on >$(cat redis-password) $rights
EOT
keep redis-url << EOT
redis://coupons:$(cat redis-password)@redis:6379
EOT
# Of the profile cluster: the nodes have a user for replication and for making the cluster.
keep redis-cluster-users << EOT
user default off
user coupons on >$(cat redis-password) $rights +cluster|slots +cluster|nodes +cluster|keyslot +asking
user node on >$(cat redis-node-password) +ping +info +psync +replconf +cluster
EOT
keep redis-node << EOT
masteruser node
masterauth $(cat redis-node-password)
EOT
keep redis-cluster-url << EOT
redis://coupons:$(cat redis-password)@redis-cluster-1:6379,redis://redis-cluster-2:6379,redis://redis-cluster-3:6379
EOT
keep mongodb-url << EOT
mongodb://coupons:$(cat mongodb-password)@mongodb-1:27017,mongodb-2:27017,mongodb-3:27017/?replicaSet=rs0
EOT
