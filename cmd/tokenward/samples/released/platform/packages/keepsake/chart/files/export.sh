#!/bin/sh
# Packs what is declared and copies it to the bucket.
set -eu

day=$(date +%F)
work=$(mktemp -d)

for kind in $KEEPSAKE_KINDS; do
  kubectl get "$kind" --all-namespaces --output yaml > "$work/$kind.yaml"
done

tar --create --gzip --file "/tmp/$day.tar.gz" --directory "$work" .
s3cp "/tmp/$day.tar.gz" "s3://$KEEPSAKE_BUCKET/$day.tar.gz"
