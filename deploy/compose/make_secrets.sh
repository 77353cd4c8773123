#!/bin/sh
# Makes the secrets of scaled.yaml in the folder secrets/, once: what is there already stays.
# Only you can enter the folder. The files can be read by whoever is given them, which are users of containers.
set -eu
cd "$(dirname "$0")"
umask 077
mkdir -p secrets
cd secrets

random() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }

if [ -e lianpu.yaml ]; then
    echo "secrets/lianpu.yaml is there already: nothing was made." >&2
    exit 1
fi
postgresql=$(random)
redis=$(random)

printf '%s' "$postgresql" >postgresql_password
random >grafana_password
cat >redis.conf <<SETTINGS
requirepass $redis
save ""
appendonly no
maxmemory 2560mb
maxmemory-policy noeviction
SETTINGS
cat >lianpu.yaml <<SETTINGS
accounts:
  secret: $(random)
database:
  url: postgresql+asyncpg://lianpu:$postgresql@postgresql:5432/lianpu
limits:
  storage: redis://:$redis@redis:6379/0
enhance:
  storage: redis://:$redis@redis:6379/1
nodes:
  redis: redis://:$redis@redis:6379/0
jobs:
  broker: redis://:$redis@redis:6379/2
SETTINGS
chmod 444 postgresql_password grafana_password redis.conf lianpu.yaml
echo "Made: secrets/lianpu.yaml, postgresql_password, redis.conf, grafana_password."
echo "Yours to bring: secrets/tls.crt (the chain) and secrets/tls.key, with mode 444."
