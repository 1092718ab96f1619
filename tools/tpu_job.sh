#!/usr/bin/env bash
# Trains on a Cloud TPU VM: makes the VM if there is none of that name, installs this checkout with the extra [tpu], and
# starts the command there. The run directory lies in a bucket, so that the VM may go at any time: the same command makes
# another one and goes on from the last checkpoint. A preemption is a SIGTERM, on which the run saves and ends.
#
#   tools/tpu_job.sh NAME ZONE gs://BUCKET/RUN [arguments of jare_tf.main...]
#   tools/tpu_job.sh c-jare us-central2-b gs://my-bucket/c_jare --gin_file cifar10/c_jare.gin --data_dir gs://my-bucket/tfds
#
# ACCELERATOR (v4-8), VERSION (the VM's software; tpu-ubuntu2204-base) and SPOT=1 (a cheaper one that may be preempted)
# are read from the environment. Needs gcloud, logged in, with a project set. A VM of one host only: a slice of several
# hosts wants one process on each.
set -euo pipefail

if [[ $# -lt 3 || $3 != gs://* ]]; then
  sed -n '2,12s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
name=$1 zone=$2 model_dir=$3
shift 3
cd "$(dirname "$0")/.."
tpu() { gcloud compute tpus tpu-vm "$@" --zone="$zone"; }

if ! tpu describe "$name" --format='value(state)' 2>/dev/null | grep -qx READY; then
  tpu delete "$name" --quiet 2>/dev/null || true # one that was preempted keeps its name
  tpu create "$name" --accelerator-type="${ACCELERATOR:-v4-8}" --version="${VERSION:-tpu-ubuntu2204-base}" ${SPOT:+--spot}
fi

watch='tail -n +1 -F run.log'
if tpu ssh "$name" --command='! flock --nonblock run.lock true'; then # the run is under way: only watch it
  exec gcloud compute tpus tpu-vm ssh "$name" --zone="$zone" --command="$watch"
fi
archive=$(mktemp --suffix=.tar.gz)
trap 'rm -f "$archive"' EXIT
git archive --format=tar.gz --output="$archive" HEAD
tpu scp "$archive" "$name":jare_tf.tar.gz
tpu ssh "$name" --command="
  set -e
  mkdir -p jare_tf && tar -xzf jare_tf.tar.gz -C jare_tf
  python3 -m venv venv && venv/bin/pip install --quiet './jare_tf[tpu]'
  # tensorflow and tensorflow-tpu share their files.
  venv/bin/pip uninstall --quiet --yes tensorflow
  venv/bin/pip install --quiet --force-reinstall --no-deps 'tensorflow-tpu<2.21'
"
command=$(printf '%q ' venv/bin/python -m jare_tf.main --tpu=local --model_dir="$model_dir" "$@")
# In a session of its own, so that it goes on when this terminal does not; its lines are in run.log.
tpu ssh "$name" --command="setsid nohup flock --nonblock run.lock $command >> run.log 2>&1 < /dev/null & sleep 1; $watch"
