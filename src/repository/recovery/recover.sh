#!/usr/bin/env bash
# recover.sh: restores a Holdfast backup without Holdfast. RECOVERY.md, beside it, says how to begin.
#
# Needs bash 5, age, zstd, jq, openssl 3, coreutils, findutils, awk, sed; psql and pg_restore for databases; setfattr
# (package attr) for extended attributes. Before you run it: its SHA-256 must be the one on the escrow sheet.
#
# What it believes: trust.json when its SHA-256 is on the sheet; what a party listed there signed, in its role and for its
# sources; objects whose bytes hash to the name that was signed. A signed snapshot names its packs by SHA-256, and its
# manifest has the SHA-256 of every stream or of its parts, which is compared with what comes out. This covers every restored byte, so the
# keyed ids of single chunks are not computed again: here that would cost a process for each. Index objects are not needed
# either: every pack ends in its own directory. They are read only where a later one replaced a pack.
if [ -z "${BASH_VERSION-}" ] || [ "${BASH_VERSINFO[0]}" -lt 5 ]; then
  echo 'Run this with bash 5 or newer.' >&2
  exit 2
fi
set -euo pipefail
shopt -s inherit_errexit nullglob dotglob
export LC_ALL=C
umask 077

site='' identity='' trust_sha256='' list='' source='' snapshot=latest to='' database='' area=''
work='' owner=$BASHPID problems=0
declare -A party_of role_of sources_of number_of standing_of disowned counting

usage() {
  cat >&2 <<'END'
Usage: recover.sh --site DIR --identity FILE --trust-sha256 HEX [--list]
       recover.sh … --source NAME [--snapshot ID|latest] --to DIR               as plain files
       recover.sh … --source NAME [--snapshot ID|latest] --database NAME --work DIR

  --site DIR          a copy of everything that lies on one site
  --identity FILE     an owner's identity file
  --trust-sha256 HEX  from the escrow sheet
  --source NAME       which source; --list shows them
  --to DIR            new or empty directory. Twice the size of the source must fit into it for a while
  --database NAME     new database, on the server that PGHOST, PGPORT, PGUSER … name
  --work DIR          where clear text may lie until it is loaded; deleted at the end
END
  exit 2
}

die() {
  printf 'recover.sh: %s\n' "$*" >&2
  exit 1
}

say() { printf '%s\n' "$*" >&2; }

# Something is wrong that need not stop us: named, not used, and counted in the exit status of --list.
warn() { say "WARNING: $*" && problems=$((problems + 1)); }

# Names from a backup, for people: no control characters reach the terminal.
shown() { printf '%s' "$*" | tr '\000-\011\013-\037\177' '?'; }

cleanup() {
  local status=$?
  [[ $BASHPID == "$owner" ]] || exit "$status"
  trap - EXIT
  local running
  running=$(jobs -rp)
  # shellcheck disable=SC2086 # a list of process ids
  [[ -z $running ]] || kill $running 2>/dev/null || :
  wait
  # A program that was still writing may have kept a directory from going at once.
  [[ -z $work ]] || rm -rf -- "$work" 2>/dev/null || { sleep 1 && rm -rf -- "$work"; }
  exit "$status"
}

# --- the work area -------------------------------------------------------------------------------------------------

# Makes the only place where clear text lies meanwhile: private, below the directory that the user named.
begin_work() { # begin_work DIRECTORY
  local old
  for old in "$1"/.recover-work.??????; do
    [[ -d $old && ! -L $old && -O $old ]] || continue
    if [[ -f $old/pid ]] && kill -0 "$(<"$old/pid")" 2>/dev/null; then die "another recovery is at work: $old"; fi
    say "Removing what an interrupted recovery left: $old"
    rm -rf -- "$old"
  done
  work=$(mktemp -d -- "$1/.recover-work.XXXXXX")
  echo "$BASHPID" >"$work/pid"
  mkdir "$work"/{keys,snapshots,index,raw,chunks,lists,meta,tree}
}

absolute() { # absolute PATH: of an existing file or directory
  realpath -e -- "$1" || die "cannot find $(shown "$1")"
}

sha256_of() { sha256sum <"$1" | cut -c1-64; }

unhex() { # unhex HEX: its bytes
  # shellcheck disable=SC2001 # bash cannot refer to what a pattern matched
  printf '%b' "$(sed 's/../\\x&/g' <<<"$1")"
}

# Undoes the escapes of `us` and `path` below. Result in REPLY, where trailing newlines stay.
decode() { # decode FIELD
  case $1 in
    t*) printf -v REPLY %b "${1:1}" ;;
    b*) REPLY=$(base64 -d <<<"${1:1}" && printf x) && REPLY=${REPLY%x} ;;
    *) die 'a field of the manifest is malformed' ;;
  esac
}

# Shared by all jq programs. `us` makes a text that fits between unit separators on one line.
# shellcheck disable=SC2016 # variables of jq
defs='
  def int: if type == "number" and . == floor and . >= 0 and . < 9007199254740992 then . else error("a number is wrong") end;
  def hex64: if type == "string" and test("\\A[0-9a-f]{64}\\z") then . else error("a hash is malformed") end;
  def text: if type == "string" then . else error("a text is missing") end;
  def us: [text] | @tsv | split("\u001f") | join("\\0037");
  def path: if type == "object" then "b" + (.base64 | us) else "t" + us end;
  def fields: map(tostring) | join("\u001f");
  def part($more): "s \(.size | int) \(.sha256 | hex64) \($more)",
    (if .chunks then .chunks[] | "c \(text)" else .list[] | "l \(text)" end);
  def stream: if .parts then
      if (.parts | length) > 1 and .size == (.parts | map(.size | int) | add) then . else error("parts do not fit their stream") end |
      "p \(.partsSha256 | hex64)", (.parts | to_entries[] as $e | (length - 1 - $e.key) as $more | $e.value | part($more))
    else part(0) end;
  def ident: "\"" + (text | split("\"") | join("\"\"")) + "\"";
  def literal: "'\''" + (text | split("'\''") | join("'\'''\''")) + "'\''";
'

# --- signatures and trust ------------------------------------------------------------------------------------------

# Public signing keys are bech32, five bits a letter; its checksum is not needed where the whole file is known by its hash.
public_key() { # public_key hfsig1…: SPKI DER
  local letters=qpzry9x8gf2tvdw0s3jn54khce6mua7l data=${1#hfsig1} hex='' value=0 bits=0 i before
  [[ $1 =~ ^hfsig1[$letters]{58}$ ]] || die "trust.json holds a malformed signing key: $(shown "$1")"
  for ((i = 0; i < 52; i++)); do
    before=${letters%%"${data:i:1}"*}
    value=$(((value << 5 | ${#before}) & 0xfff)) bits=$((bits + 5))
    if ((bits >= 8)); then
      bits=$((bits - 8))
      printf -v hex '%s%02x' "$hex" $((value >> bits & 255))
    fi
  done
  unhex "302a300506032b6570032100$hex"
}

load_trust() {
  local trust=$site/trust.json name role key standing sources number=-1
  [[ -f $site/holdfast.json ]] || die "$site holds no Holdfast repository: there is no holdfast.json"
  if [[ ! -f $trust || $(sha256_of "$trust") != "$trust_sha256" ]]; then
    trust=$site/trust/$trust_sha256
    [[ -f $trust && $(sha256_of "$trust") == "$trust_sha256" ]] ||
      die 'trust.json is not the one on the escrow sheet: its SHA-256 differs. Nothing on this site can be believed.'
    say 'NOTE: the escrow sheet is older than trust.json on the site. What parties signed that it does not know is ignored.'
  fi
  while IFS=$'\t' read -r name role key standing sources; do
    number=$((number + 1))
    if ((number == 0)); then
      repository=$name
      continue
    fi
    public_key "$key" >"$work/keys/$number"
    [[ ! ${number_of[/$key]+x} ]] || die 'trust.json lists a signing key twice'
    party_of[/$key]=$name role_of[/$key]=$role sources_of[/$key]=$sources number_of[/$key]=$number
    standing_of[/$name]=$standing
  done < <(jq -r 'select(.format == 1) | [.repository], (.parties[] | [.name, .role, .publicSigningKey,
    (if .distrusted then "distrusted" else "trusted" end), ((.sources // ["*"]) | join(" "))]) | @tsv' "$trust")
  ((number > 0)) || die 'trust.json has an unknown format, or lists nobody'
  [[ $(jq -r 'select(.format == 1) | .repository' "$site/holdfast.json") == "$repository" ]] ||
    die 'holdfast.json is about another repository than trust.json'
}

refuse() { # refuse OBJECT WHY
  printf 'not trusted: %s: %s\n' "$1" "$2" >&2
  exit 1
}

# An id covers itself and the databases of the cluster whose ids begin with its first half; one after `=` itself alone.
may_act_for() { # may_act_for ID SOURCES
  [[ $2 == '*' || " $2 " == *" $1 "* || " $2 " == *" =$1 "* || " $2" == *" ${1:0:16}"* ]]
}

# Writes the payload of a DSSE envelope to OUT, if somebody signed it whose signature counts for it. What the jq program
# EXTRACT prints of it is left in REPLY; it must fail for what is malformed.
verify() { # verify OBJECT ENVELOPE KIND ROLES SOURCE OUT EXTRACT; sets signer_role
  local object=$1 file=$2 kind=$3 roles=$4 id=$5 out=$6 extract=$7 type=application/vnd.holdfast+json key signature
  jq -rs --arg type "$type" 'if length == 1 and .[0].payloadType == $type and (.[0].signatures | length) == 1 then .[0] |
    .signatures[0].keyid, .signatures[0].sig, .payload | if type == "string" and (contains("\n") | not) then . else error("") end
    else error("") end' "$file" >"$out.parts" 2>/dev/null || refuse "$object" 'it is no signed statement'
  { read -r key && read -r signature; } <"$out.parts"
  [[ ${number_of[/$key]+x} ]] || refuse "$object" 'it is signed with a key that trust.json does not list'
  { tail -n +3 -- "$out.parts" | base64 -d >"$out" && base64 -d <<<"$signature" >"$out.signature"; } 2>/dev/null ||
    refuse "$object" 'its base64 is malformed'
  { printf 'DSSEv1 %d %s %d ' "${#type}" "$type" "$(stat -c %s -- "$out")" && cat -- "$out"; } >"$out.signed"
  openssl pkeyutl -verify -pubin -keyform DER -inkey "$work/keys/${number_of[/$key]}" -rawin -in "$out.signed" \
    -sigfile "$out.signature" >/dev/null 2>&1 || refuse "$object" "its signature is not one of ${party_of[/$key]}"
  rm -f -- "$out.parts" "$out.signed" "$out.signature"
  signer_role=${role_of[/$key]}
  [[ " $roles " == *" $signer_role "* ]] ||
    refuse "$object" "${party_of[/$key]} signed it, whose role $signer_role does not count for this"
  may_act_for "$id" "${sources_of[/$key]}" ||
    refuse "$object" "${party_of[/$key]} signed it, who may not act for this source"
  REPLY=$(jq -r --arg kind "$kind" --arg repository "$repository" --arg source "$id" --arg signer "${party_of[/$key]}" \
    --arg name "$source_name" "$defs"'if .kind == $kind and .repository == $repository and .source == $source and
      .signer == $signer then . else error("") end | (try ('"$extract"') catch "malformed")' "$out" 2>/dev/null) ||
    refuse "$object" 'it is a statement about something else, or names another signer'
  [[ $REPLY != *malformed ]] || refuse "$object" 'it is malformed'
}

# Prints, for each generation of keys that the identity opens, its secrets on a line of JSON, the newest first.
open_source() { # open_source ID
  local id=$1 object=sources/$1/source.json kind number party sha256 file bundle data catalog opened='' any='' parties=''
  [[ -f $site/$object ]] || refuse "$object" 'it is missing'
  source_name='' # known only once a key object is open
  verify "$object" "$site/$object" source 'backup owner' "$id" "$work/source" '
    if [.generations[].generation] != [range(1; (.generations | length) + 1)] then error("") else .generations | reverse[] end |
    "g \(.generation)", (.keys[] | "k \(.party | if test("\\A[a-z0-9][a-z0-9._-]{0,62}\\z") then . else error("") end) \(.sha256 | hex64)")'
  [[ $signer_role == owner || $REPLY == 'g 1'* ]] || refuse "$object" 'only an owner may sign a later generation of keys'
  [[ $REPLY ]] || refuse "$object" 'it is malformed'
  if [[ $signer_role != owner ]] && jq -e '.revision // .successions // .distrusted' "$work/source" >/dev/null; then
    refuse "$object" 'only an owner may change the parties of a source'
  fi
  while read -r kind party sha256; do
    if [[ $kind == g ]]; then
      number=$party opened=''
      continue
    fi
    parties+=" $party"
    [[ -z $opened ]] || continue
    file=sources/$id/keys/$number/$party.age
    if [[ ! -f $site/$file ]]; then
      say "NOTE: $file is missing"
    elif [[ $(sha256_of "$site/$file") != "$sha256" ]]; then
      say "not trusted: $file: it is not the object that was signed"
    elif bundle=$(age -d -i "$identity" -- "$site/$file" 2>/dev/null); then
      { read -r catalog && read -r data; } < <(printf '%s' "$bundle" | jq -r '.catalogIdentity, (.dataIdentity // "")')
      # Both halves must belong together: else somebody could have made us believe packs sealed to another key.
      printf '%s' "$bundle" | jq -ce --argjson number "$number" --arg repository "$repository" --arg source "$id" \
        --arg data "$(recipient_of "$data")" --arg catalog "$(recipient_of "$catalog")" --slurpfile record "$work/source" '
        $record[0].generations[$number - 1] as $g | select(.format == 1 and .repository == $repository and .source == $source and
          .generation == $number and .dataRecipient == $g.dataRecipient and .catalogRecipient == $g.catalogRecipient and
          .catalogRecipient == $catalog and (.dataIdentity == null or .dataRecipient == $data)) |
        {name, catalogIdentity, dataIdentity}' || refuse "$file" 'its keys are not those that source.json names'
      opened=1 any=1
    fi
  done <<<"$REPLY"
  [[ $any ]] || refuse "sources/$id/keys" "the identity opens none of them; they are for:$parties"
}

recipient_of() { printf '%s\n' "$1" | age-keygen -y 2>/dev/null || :; }

# --- snapshots -----------------------------------------------------------------------------------------------------

open_catalog() { # open_catalog FOLDER NAME KIND ROLES EXTRACT: its payload, at $work/FOLDER/NAME
  local object=sources/$source_id/$1/$2 out=$work/$1/$2
  [[ $2 =~ ^[0-9a-f]{64}$ ]] || refuse "$object" 'its name is no SHA-256'
  [[ $(sha256_of "$site/$object") == "$2" ]] || refuse "$object" 'it is damaged: its bytes do not hash to its name'
  { age -d -i <(printf '%s\n' "$catalog_identities") -- "$site/$object" | zstd -dcq >"$out.envelope"; } 2>/dev/null ||
    refuse "$object" 'no catalog key of this source opens it'
  verify "$object" "$out.envelope" "$3" "$4" "$source_id" "$out" "$5"
  rm -f -- "$out.envelope"
}

# Writes a line for each trusted snapshot to $work/snapshots.txt: sequence, time, id, previous, type, signer, totals; and
# looks at how they follow each other.
open_snapshots() {
  local file status
  load_distrusted
  : >"$work/snapshots.txt"
  for file in "$site/sources/$source_id/snapshots"/*; do
    # Not in a condition: that would switch `set -e` off inside.
    set +e
    (set -e && open_snapshot "${file##*/}") >>"$work/snapshots.txt"
    status=$?
    set -e
    ((status == 0)) || problems=$((problems + 1))
  done
  sort -n -o "$work/snapshots.txt" -- "$work/snapshots.txt"
  awk -v source="$(shown "$source_name")" '
    { sequence[$3] = $1; time[$3] = $2; previous[$3] = $4; order[NR] = $3 }
    END {
      for (i = 1; i <= NR; i++) {
        id = order[i]; before = previous[id]
        if (i > 1 && sequence[order[i - 1]] == sequence[id])
          print "WARNING: " source ": two snapshots have the sequence " sequence[id] ": somebody wrote beside the host. Look at both."
        if (before != "-" && !(before in sequence))
          print "NOTE: " source ": the predecessor of snapshot " sequence[id] " is not on this site; retention dropped it, or somebody did."
        else if (before != "-" && (sequence[before] + 0 >= sequence[id] + 0 || time[before] >= time[id]))
          print "WARNING: " source ": sequence or time of snapshot " sequence[id] " do not rise."
      }
    }' "$work/snapshots.txt" >&2
}

open_snapshot() { # open_snapshot NAME: prints its line
  local line salt sha256 commitment signer
  # shellcheck disable=SC2016 # variables of jq
  open_catalog snapshots "$1" snapshot backup '
    if .name == $name and (.type | IN("postgres", "postgres-globals", "files", "command")) and (.packs | all(hex64)) and ([.manifest | stream] | length) > 0 and
      (.time | test("\\A[0-9]{4}-[0-9-]{5}T[0-9:.]{12}Z\\z")) and (.commitment.salt | test("\\A[0-9a-f]{32}\\z")) then . else error("") end |
    "\(.sequence | int) \(.time) ID \(if .previous then .previous | hex64 else "-" end) \(.type) \(.signer) \(
      .totals // {} | to_entries | map("\(.key) \(.value)") | join(", ") | us)",
    "\(.commitment.salt) \(.manifest.sha256) \(.commitment.sha256)"'
  { read -r line && read -r salt sha256 commitment; } <<<"$REPLY"
  [[ $(unhex "$salt$sha256" | sha256sum | cut -c1-64) == "$commitment" ]] ||
    refuse "sources/$source_id/snapshots/$1" 'its commitment is not to its manifest'
  signer=$(jq -r .signer "$work/snapshots/$1")
  [[ ! ${disowned[/$signer]+x} || ${counting[/$signer/$1]+x} ]] ||
    refuse "sources/$source_id/snapshots/$1" "$signer signed it, which is distrusted, and no owner lists it among those that count"
  printf '%s\n' "${line/ ID / $1 }"
}

# Of hosts that were stolen only the snapshots count that an owner has listed, in a statement that source.json names. Where
# that is missing, or trust.json alone calls the host distrusted, none does.
load_distrusted() { # sets disowned, counting
  local name party statement object
  disowned=() counting=()
  for name in "${!standing_of[@]}"; do
    [[ ${standing_of[$name]} != distrusted ]] || disowned[$name]=1
  done
  verify "sources/$source_id/source.json" "$site/sources/$source_id/source.json" source 'backup owner' "$source_id" "$work/source" \
    '.distrusted[]? | "\(.party | if test("\\A[a-z0-9][a-z0-9._-]{0,62}\\z") then . else error("") end) \(.statement | hex64)"'
  while read -r party statement; do
    [[ $party ]] || continue
    disowned[/$party]=1
    object=sources/$source_id/distrusted/$statement
    if [[ ! -f $site/$object || $(sha256_of "$site/$object") != "$statement" ]]; then
      warn "$object is missing or damaged: no snapshot by $party counts. Another copy of the site may have it."
    elif (verify "$object" "$site/$object" distrust owner "$source_id" "$work/distrust" '"ok", (.snapshots[] | hex64)' &&
      printf '%s\n' "$REPLY" >"$work/counting" && [[ $(jq -r .party "$work/distrust") == "$party" ]]); then
      while read -r name; do [[ $name == ok ]] || counting[/$party/$name]=1; done <"$work/counting"
      say "NOTE: $(shown "$source_name"): $party is distrusted; what it signed counts only where an owner has listed it."
    else
      problems=$((problems + 1))
    fi
  done <<<"$REPLY"
}

# Keys stay in variables: age reads them from a pipe, and they never touch the disk.
use_secrets() {
  local what value
  catalog_identities='' data_identities=''
  while IFS=$'\037' read -r what value; do
    case $what in
      c) catalog_identities+=$value$'\n' ;;
      d) data_identities+=$value$'\n' ;;
      n) printf -v source_name %b "$value" ;;
    esac
  done < <(printf '%s' "$secrets" | jq -rs "$defs"'(.[] | ["c", .catalogIdentity], (select(.dataIdentity) | ["d", .dataIdentity])),
    ["n", (.[0].name | us)] | fields')
}

# Opens every source the identity opens, and calls the function for each.
each_source() { # each_source FUNCTION
  local directory status
  for directory in "$site"/sources/*/; do
    source_id=${directory%/} source_id=${source_id##*/}
    if [[ ! $source_id =~ ^[0-9a-f]{32}$ ]]; then
      warn "sources/$(shown "$source_id") is no source"
      continue
    fi
    set +e
    secrets=$(open_source "$source_id")
    status=$?
    set -e
    if ((status != 0)); then
      problems=$((problems + 1))
      continue
    fi
    use_secrets
    "$1"
  done
}

list_source() {
  open_snapshots
  printf '%s (%s)\n' "$(shown "$source_name")" "$source_id"
  local sequence time id previous type signer totals
  while read -r sequence time id previous type signer totals; do
    printf '  %6d  %s  %s  %s by %s  %s\n' "$sequence" "$time" "${id:0:16}" "$type" "$signer" "$(shown "$(printf %b "$totals")")"
  done <"$work/snapshots.txt"
}

found_id='' found_secrets=''
match_source() {
  [[ $source_name == "$source" || $source_id == "$source" ]] || return 0
  [[ -z $found_id ]] || die "two sources are called $(shown "$source"): give the id that --list shows instead"
  found_id=$source_id found_secrets=$secrets
}

choose_snapshot() { # sets payload, type
  local sequence time id previous signer totals count
  each_source match_source
  [[ $found_id ]] || die "no trusted source called $(shown "$source") that this identity opens is on this site; see --list"
  source_id=$found_id secrets=$found_secrets
  use_secrets
  [[ $data_identities ]] || die 'this identity opens the catalog but no data: use the identity of an owner'
  open_snapshots
  if [[ $snapshot == latest ]]; then
    tail -n 1 -- "$work/snapshots.txt" >"$work/chosen"
    [[ -s $work/chosen ]] || die "no trusted snapshot of $(shown "$source_name") is on this site"
  else
    awk -v prefix="$snapshot" 'index($3, prefix) == 1' "$work/snapshots.txt" >"$work/chosen"
    count=$(wc -l <"$work/chosen")
    ((count == 1)) || die "$count trusted snapshots of $(shown "$source_name") have an id that starts with $snapshot"
  fi
  # shellcheck disable=SC2034 # some only take their place
  read -r sequence time id previous type signer totals <"$work/chosen"
  payload=$work/snapshots/$id
  say "Snapshot $sequence of $(shown "$source_name"), $time, made by $signer: $id"
  [[ $snapshot != latest ]] || say 'It is the newest trusted one here. Whether there was a newer one this site alone cannot tell.'
}

# --- packs ---------------------------------------------------------------------------------------------------------

# Which packs have taken the place of others, as owners and verifiers have signed: a host cannot open what it would vouch for.
load_replacements() { # sets replaced_by, packs_of
  local file status what id value
  for file in "$site/sources/$source_id/index"/*; do
    set +e
    (
      set -e
      open_catalog index "${file##*/}" index 'backup owner verify' 'empty'
      [[ $signer_role != backup ]] || rm -f -- "$work/index/${file##*/}"
    )
    status=$?
    set -e
    ((status == 0)) || rm -f -- "$work/index/${file##*/}"*
  done
  while read -r what id value; do
    if [[ $what == r ]]; then replaced_by[$value]+=" $id"; else packs_of[$id]+=" $value"; fi
  done < <(for file in "$work"/index/*; do
    # The newest comes first; it counts for the snapshots that it names.
    jq -r --arg id "${file##*/}" --arg snapshot "${payload##*/}" "$defs"'
      select((.replaces // [] | length > 0) and (.snapshots // [] | index($snapshot))) |
      (.time | text) + "\t" + ("p \($id) \(.packs[].pack | hex64)", "r \($id) \(.replaces[] | hex64)")' "$file" || :
  done | LC_ALL=C sort -r | cut -f 2)
}

# Adds a pack to packs, or what has taken its place. Fails where neither is whole.
find_pack() { # find_pack PACK
  local id other whole
  [[ ! ${found[$1]+x} ]] || return "${found[$1]}"
  found[$1]=1
  if [[ -f $site/sources/$source_id/packs/${1:0:2}/$1 ]]; then
    packs+=("$1")
    found[$1]=0
    return 0
  fi
  for id in ${replaced_by[$1]-}; do
    whole=1
    for other in ${packs_of[$id]-}; do find_pack "$other" || whole=''; done
    [[ ! $whole ]] || { found[$1]=0 && return 0; }
  done
  return 1
}

# The packs of the snapshot; where one is gone, those that replaced it. Result in packs.
find_packs() {
  local pack missing=''
  local -A found=() replaced_by=() packs_of=()
  local -a named
  packs=()
  mapfile -t named < <(jq -r '.packs[]' "$payload")
  for pack in "${named[@]}"; do
    [[ -f $site/sources/$source_id/packs/${pack:0:2}/$pack ]] || missing=1
  done
  [[ ! $missing ]] || load_replacements
  for pack in "${named[@]}"; do
    find_pack "$pack" ||
      die "sources/$source_id/packs/${pack:0:2}/$pack is missing. Copy it from another site: its name is its hash."
  done
}

# Opens a pack: its chunks, back to back, to raw/; where each lies, by the pack's own directory, to chunks/.
unpack() { # unpack PACK
  local object=sources/$source_id/packs/${1:0:2}/$1 plain=$work/raw/$1.plain size length magic head
  [[ $(sha256_of "$site/$object") == "$1" ]] || die "$object is damaged: its bytes do not hash to its name"
  age -d -i <(printf '%s\n' "$data_identities") -o "$plain" -- "$site/$object" || die "$object cannot be opened"
  zstd -dcq -- "$plain" >"$work/raw/$1" || die "$object does not decompress"
  size=$(stat -c %s -- "$plain")
  read -r length magic < <(tail -c 8 -- "$plain" | od -An --endian=little -tu4)
  # 826558024 is HFD1, 407710288 the magic of a skippable frame.
  if [[ $magic != 826558024 ]] || ((length < 24 || length > size)); then die "$object has no directory"; fi
  tail -c "$length" -- "$plain" >"$plain.directory"
  read -r -a head < <(od -An -N16 --endian=little -tu4 -- "$plain.directory")
  if ((head[0] != 407710288 || head[1] != length - 8 || head[2] != 826558024 || 24 + 40 * head[3] > length)); then
    die "$object has a directory that contradicts itself"
  fi
  head -c $((16 + 40 * head[3])) -- "$plain.directory" | tail -c +17 >"$plain.entries"
  paste -d ' ' <(od -An -v -w40 -tx1 -- "$plain.entries" | tr -d ' ' | cut -c1-64) \
    <(od -An -v -w40 --endian=little -tu4 -- "$plain.entries") |
    awk -v pack="$1" -v frames=$((size - length)) -v raw="$(stat -c %s -- "$work/raw/$1")" '
      { printf "%s %s %.0f %s\n", $1, pack, at, $11; sum += $10; at += $11 }
      END { exit sum != frames || at != raw }' >"$work/chunks/$1" || die "$object does not hold what its directory says"
  rm -f -- "$plain" "$plain.directory" "$plain.entries"
}

unpack_all() {
  local pack i jobs done=0 next=5
  local -a pids=()
  jobs=$(nproc)
  for pack in "${packs[@]}"; do
    # By process id: `wait -n` forgets children that ended before it was called.
    ((done < jobs)) || wait "${pids[done - jobs]}" || die 'a pack cannot be used: nothing is restored'
    unpack "$pack" &
    pids+=("$!")
    done=$((done + 1))
    if ((SECONDS >= next)); then say "Packs: $done of ${#packs[@]}" && next=$((SECONDS + 5)); fi
  done
  for ((i = done > jobs ? done - jobs : 0; i < done; i++)); do
    wait "${pids[i]}" || die 'a pack cannot be used: nothing is restored'
  done
  printf '%s\0' "${packs[@]/#/$work/chunks/}" | xargs -0 cat -- >"$work/chunks.txt"
}

# --- streams -------------------------------------------------------------------------------------------------------

# Where the bytes of streams lie. A stream is one part, or several that follow each other: those with MORE to come after
# them. In: lines `s SIZE SHA256 MORE`, `c ID`, `l ID` (a chunk of a list of chunks). Out: for each part its `s` line, lines
# `PACK OFFSET LENGTH`, neighbours joined, and an empty line.
locate() { # locate STREAMS lists|contents
  awk -v mode="$2" -v lists="$work/lists/" '
    function fail(why) { print "recover.sh: " why > "/dev/stderr"; failed = 1; exit 1 }
    function range() { if (pack != "") printf "%s %.0f %.0f\n", pack, from, to - from; pack = "" }
    function chunk(id, at) {
      if (!(id in place)) fail("chunk " id " is in no pack of this snapshot")
      split(place[id], at, " ")
      if (at[1] != pack || at[2] + 0 != to) { range(); pack = at[1]; from = to = at[2] + 0 }
      to += at[3]; sum += at[3]
    }
    function finish() {
      if (!n) return
      range()
      if (mode == "contents" && sum != size) fail("a stream has another size than its manifest says")
      print ""; sum = 0
    }
    FNR == NR { place[$1] = $2 " " $3 " " $4; next }
    $1 == "s" { finish(); n++; size = $2 + 0; print; next }
    $1 == "c" && mode == "contents" { chunk($2); next }
    $1 == "l" && mode == "lists" { chunk($2); next }
    $1 == "l" && expanded != n { expanded = n; while ((getline id < (lists n)) > 0) chunk(id); close(lists n) }
    END { if (!failed) finish() }' "$work/chunks.txt" "$1"
}

# Of the stream that was taken last: bytes, and of each part bytes, SHA-256, and where its ranges end among all.
stream_size=0 stream_more=0 stream_sizes=() stream_sha256s=() stream_ends=() stream_ranges=()

# Takes the next stream from the plan on descriptor 3.
next_stream() {
  stream_size=0 stream_sizes=() stream_sha256s=() stream_ends=() stream_ranges=()
  next_part || return 1
  while ((stream_more > 0)); do next_part; done
}

next_part() {
  local size sha256
  read -r -u 3 _ size sha256 stream_more || return 1
  while read -r -u 3 && [[ $REPLY ]]; do stream_ranges+=("$REPLY"); done
  stream_size=$((stream_size + size)) stream_sizes+=("$size") stream_sha256s+=("$sha256") stream_ends+=("${#stream_ranges[@]}")
}

# Its bytes, or those of the part with this number.
stream() { # stream [PART]
  local range pack offset length from=0 to=${#stream_ranges[@]}
  if (($# > 0)); then
    to=${stream_ends[$1]}
    (($1 == 0)) || from=${stream_ends[$1 - 1]}
  fi
  for range in "${stream_ranges[@]:from:to - from}"; do
    read -r pack offset length <<<"$range"
    bytes_of "$work/raw/$pack" "$offset" "$length"
  done
}

# Opens the plan of the streams that a jq program gives, on descriptor 3.
plan() { # plan FILE PROGRAM
  local n=0 i
  jq -r "$defs $2" "$1" >"$work/streams.txt" || die 'the manifest has a line that this script does not know'
  check_parts
  if grep -q '^l ' "$work/streams.txt"; then
    locate "$work/streams.txt" lists >"$work/plan.txt" || die 'nothing is restored'
    exec 3<"$work/plan.txt"
    while next_stream; do
      for i in "${!stream_sizes[@]}"; do
        n=$((n + 1))
        stream "$i" | od -An -v -w32 -tx1 | tr -d ' ' >"$work/lists/$n"
      done
    done
  fi
  locate "$work/streams.txt" contents >"$work/plan.txt" || die 'nothing is restored'
  exec 3<"$work/plan.txt"
}

# A stream in parts has, instead of a SHA-256 of all bytes, one over those of its parts: whoever made it meant these, in this
# order.
check_parts() {
  local kind a b more expected='' joined=''
  grep -q '^p ' "$work/streams.txt" || return 0
  while read -r kind a b more; do
    case $kind in
      p) expected=$a joined='' ;;
      s)
        [[ $expected ]] || continue
        joined+=$b
        ((more == 0)) || continue
        [[ $(unhex "$joined" | sha256sum | cut -c1-64) == "$expected" ]] || die 'the parts of a table are not those that were backed up. Nothing is restored.'
        expected=''
        ;;
    esac
  done < <(grep '^[ps] ' "$work/streams.txt")
  sed -i '/^p /d' "$work/streams.txt"
}

# Writes the next stream to a file. Its hash is compared by check_written, with those of all others.
write_stream() { # write_stream FILE
  next_stream
  stream >"$1"
  expect "$1"
}

expect() { # expect FILE: to hold the stream that was taken last
  local i at=0
  if ((${#stream_sizes[@]} == 1)); then
    printf '%s\0' "$1" >>"$work/written"
    printf '%s\n' "${stream_sha256s[0]}" >>"$work/expected"
    return
  fi
  for i in "${!stream_sizes[@]}"; do
    [[ $(bytes_of "$1" "$at" "${stream_sizes[i]}" | sha256sum | cut -c1-64) == "${stream_sha256s[i]}" ]] || differs "$1"
    at=$((at + stream_sizes[i]))
  done
}

bytes_of() { # bytes_of FILE OFFSET LENGTH
  dd if="$1" bs=1M iflag=skip_bytes,count_bytes,fullblock skip="$2" count="$3" status=none
}

differs() { # differs FILE
  die "$(shown "${1#"$work"/tree/}") is not what was backed up: its SHA-256 differs. Nothing is restored."
}

check_written() {
  local names number
  [[ -s $work/written ]] || return 0
  xargs -0 sha256sum -z -- <"$work/written" | tr '\0\n' '\n?' | cut -c1-64 >"$work/found"
  number=$(paste -d ' ' "$work/found" "$work/expected" | awk '$1 != $2 && !n++ { print NR - 1 }')
  [[ $number ]] || return 0
  mapfile -d '' -t names <"$work/written"
  differs "${names[number]}"
}

# Everything is written and right: it moves to where it was asked for, all at once.
deliver() {
  local all=("$work"/tree/*)
  ((${#all[@]} == 0)) || printf '%s\0' "${all[@]}" | xargs -0 mv -n -t "$to" --
}

# --- files ---------------------------------------------------------------------------------------------------------

files_program='
  if .kind | IN("root", "directory", "file", "symlink", "fifo", "socket", "device") then . else error("unknown kind") end |'

# Builds the tree in the work area, where nobody else writes. A path is used only below a directory that was made here, so
# no symlink of the backup is ever followed, whatever a manifest says.
restore_files() {
  local manifest=$1 kind path mode uid gid mtime has size extra data full octal i count=0 next=$((SECONDS + 5)) name value
  local skipped=0 attributes=0
  local -A directory=([/.]=1) file=() seen=()
  local -a directories=() modes=() times=()
  plan "$manifest" "$files_program"' .stream // empty | stream'
  jq -r "$defs $files_program"' select(.kind != "root") | [.kind, (.path | path), (.mode | int), (.uid | int), (.gid | int),
    (.mtime | if test("\\A-?[0-9]{1,19}\\z") then . else error("a time is malformed") end), (if .stream then 1 else 0 end),
    (.size // 0 | int), (if .hardLinkOf then .hardLinkOf | path elif .kind == "symlink" then .target | path
    elif .kind == "device" then "\(.deviceType) \(.major | int) \(.minor | int)" else "" end),
    (if .data then "d" + (.data | map(map(int | tostring) | join(":")) | join(" ")) else "" end)] | fields' \
    "$manifest" >"$work/entries" || die 'the manifest has a line that this script does not know'
  while IFS=$'\037' read -r -u 4 kind path mode uid gid mtime has size extra data; do
    decode "$path" && path=$REPLY full=$work/tree/$path
    assert_path "$path"
    [[ ! ${seen[/$path]+x} ]] || die "the manifest names $(shown "$path") twice"
    seen[/$path]=1
    printf -v octal %o $((mode & 07777))
    # As somebody else than root we own what we make: then a setuid bit would lend out our own rights.
    ((EUID == 0)) || printf -v octal %o $((mode & 01777))
    case $kind in
      directory)
        [[ $path == . ]] || mkdir -- "$full"
        directory[/$path]=1 directories+=("$path") modes+=("$octal") times+=("$mtime")
        ;;
      file)
        if [[ $extra ]]; then
          decode "$extra"
          [[ ${file[/$REPLY]+x} ]] || die "$(shown "$path") is a hard link to no file before it"
          ln -P -- "$work/tree/$REPLY" "$full"
          continue
        fi
        write_file
        file[/$path]=1
        ;;
      symlink) decode "$extra" && ln -sT -- "$REPLY" "$full" ;;
      fifo) mkfifo -- "$full" ;;
      device)
        if ((EUID != 0)); then skip "$path" 'only root can make a device' && continue; fi
        read -r name uid_major value <<<"$extra"
        mknod -- "$full" "${name:0:1}" "$uid_major" "$value"
        ;;
      *) skip "$path" "a $kind cannot be made" && continue ;;
    esac
    [[ $path != . ]] || full=$to
    printf '%s\0' "$full" >>"$work/meta/owner.$uid:$gid"
    case $kind in
      directory) ;;
      symlink) set_time "$mtime" "$full" ;;
      *) printf '%s\0' "$full" >>"$work/meta/mode.$octal" && set_time "$mtime" "$full" ;;
    esac
    count=$((count + 1))
    if ((SECONDS >= next)); then say "Entries: $count" && next=$((SECONDS + 5)); fi
  done 4<"$work/entries"
  check_written
  # In this order: a new owner takes setuid bits and capabilities away, a file that may not be written takes no attributes.
  if ((EUID == 0)); then
    for i in "$work"/meta/owner.*; do xargs -0 chown -h "${i##*/owner.}" -- <"$i"; done
  else
    say 'NOTE: owners, setuid and setgid bits are not restored: only root could.'
  fi
  jq -r "$defs"' select(.xattrs and (.hardLinkOf | not)) | (.path | path) as $path | .xattrs | to_entries[] |
    [$path, (.key | path), (.value | text)] | fields' "$manifest" >"$work/xattrs"
  while IFS=$'\037' read -r -u 4 path name value; do
    decode "$name" && name=$REPLY
    decode "$path" && path=$REPLY
    if [[ $path == . ]]; then full=$to; else full=$work/tree/$path; fi
    [[ -e $full || -L $full ]] || continue
    # An empty `-v 0s` would set nothing, and say nothing.
    setfattr -h -n "$name" ${value:+-v "0s$value"} -- "$full" 2>/dev/null || attributes=$((attributes + 1))
  done 4<"$work/xattrs"
  for i in "$work"/meta/mode.*; do xargs -0 chmod "${i##*/mode.}" -- <"$i"; done
  deliver
  # The deepest first, and after everything in them: making an entry changes the time of its directory.
  for ((i = ${#directories[@]} - 1; i >= 0; i--)); do
    if [[ ${directories[i]} == . ]]; then
      root_mode=${modes[i]} root_time=${times[i]}
      continue
    fi
    chmod "${modes[i]}" -- "$to/${directories[i]}"
    set_time "${times[i]}" "$to/${directories[i]}"
  done
  ((attributes == 0)) || say "NOTE: $attributes extended attributes could not be set: setfattr is missing, or the file system refuses them."
  say "Restored: $count entries to $to"
  ((skipped == 0)) || say "NOTE: $skipped entries are left out, see above."
}

# Of the target itself: set once nothing is made or deleted in it any more.
root_mode='' root_time=''

assert_path() { # assert_path PATH: inside the tree, below a directory that was made
  local path=$1 parent=.
  [[ $path == . ]] && return 0
  [[ $path && /$path/ != *//* && /$path/ != */./* && /$path/ != */../* ]] || die "the manifest holds a path that leaves its place: $(shown "$path")"
  [[ $path != */* ]] || parent=${path%/*}
  [[ ${directory[/$parent]+x} ]] || die "the manifest puts $(shown "$path") below something that is no directory"
}

skip() { # skip PATH WHY
  say "NOTE: $(shown "$1") is left out: $2"
  skipped=$((skipped + 1))
}

# With the variables of restore_files. Ranges of a sparse file that hold data are written, the rest stays a hole.
write_file() {
  local range
  if ((has == 0)); then
    ((size == 0)) || die "the manifest has no content for $(shown "$path")"
    : >"$full"
  elif [[ $data ]]; then
    next_stream
    rm -f -- "$work/sparse"
    stream | dd of="$work/sparse" bs=64K iflag=fullblock conv=sparse status=none
    truncate -s "$stream_size" -- "$work/sparse" "$full"
    for range in ${data#d}; do
      dd if="$work/sparse" of="$full" bs=1M iflag=skip_bytes,count_bytes oflag=seek_bytes conv=notrunc status=none \
        skip="${range%:*}" seek="${range%:*}" count="${range#*:}"
    done
    expect "$full"
  else
    write_stream "$full"
  fi
}

set_time() { # set_time NANOSECONDS FILE
  local sign='' digits=$1
  [[ $digits != -* ]] || sign=- digits=${digits#-}
  printf -v digits '%10s' "$digits"
  digits=${digits// /0}
  touch -h -d "@$sign${digits:0:-9}.${digits: -9}" -- "$2"
}

restore_command() {
  local name
  plan "$1" 'if .kind == "output" then .stream | stream else error("unknown kind") end'
  name=$(jq -er '.filename | strings' "$1")
  [[ $name && $name != . && $name != .. && $name != */* ]] || die 'the manifest holds a file name that leaves its place'
  write_stream "$work/tree/$name"
  check_written
  deliver
  say "Restored: $to/$(shown "$name")"
}

# Roles and passwords of a cluster: a script for psql, and the same as data. Nothing is run: what is right for the cluster at hand is
# for people to say.
restore_postgres_globals() {
  local name
  plan "$1" 'if .kind == "output" and (.filename | IN("globals.sql", "globals.json")) then .stream | stream else error("unknown") end'
  while read -r name; do
    [[ ! -e $work/tree/$name ]] || die 'the manifest holds one file twice'
    write_stream "$work/tree/$name"
  done < <(jq -r '.filename' "$1")
  check_written
  deliver
  say "Restored: $to/globals.sql (to run: psql -d postgres -f globals.sql, as a superuser) and $to/globals.json"
}

# --- postgres ------------------------------------------------------------------------------------------------------

# shellcheck disable=SC2016 # variables of jq
tables_program='def target($t): ($t.schema | ident) + "." + ($t.name | ident);
  def columns: if (.columns | length) > 0 then " (" + (.columns | map(ident) | join(",")) + ")" else "" end;
  def load: "COPY " + target(.loadThrough // .) + columns;'

# What the database needs beside its rows, as files that people can read and psql can run. Every SQL text is made here from
# names and values; no SQL text of the backup is fed to psql, which would obey a backslash in it.
write_schema() { # write_schema MANIFEST DIRECTORY; the plan stands at the archive
  local manifest=$1 out=$2
  write_stream "$out/schema.dump"
  jq 'select(.kind == "database")' "$manifest" >"$out/database.json"
  jq -r "$defs"' ([.owner, .roles[].name, .tablespaces[]?.owner] | map(select(. != null) | literal) | unique | join(",")) as $names |
    "SELECT pg_catalog.format(\u0027CREATE ROLE %I NOLOGIN\u0027, name) FROM pg_catalog.unnest(ARRAY[\($names)]::text[]) AS name",
    "WHERE name !~ \u0027^pg_\u0027 AND NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = name) \\gexec"' \
    "$out/database.json" >"$out/roles.sql"
  jq -r "$defs"' select(.kind == "sequence") | (.lastValue | if test("\\A-?[0-9]{1,19}\\z") then . else error("malformed") end) as $last |
    "SELECT pg_catalog.setval(\((.schema | ident) + "." + (.name | ident) | literal)::pg_catalog.regclass, \($last), \(.isCalled));"' \
    "$manifest" >"$out/sequences.sql"
  grep -q '^large-objects' "$work/entries" || return 0
  jq -c 'select(.kind == "large-objects") | .objects[]' "$manifest" >"$out/large-objects.ndjson"
  cat >"$out/large-objects.sql" <<'END'
-- Run in the directory of this file, after pre-data, which makes some or all of the large objects, empty.
CREATE TEMP TABLE content (oid oid, bytes bytea);
\copy pg_temp.content FROM 'large-objects.copy' (FORMAT binary)
CREATE TEMP TABLE described (line jsonb);
\copy pg_temp.described FROM 'large-objects.ndjson' (FORMAT csv, DELIMITER E'\002', QUOTE E'\001')
CREATE TEMP VIEW wanted AS SELECT (line->>'oid')::oid AS oid, line->>'owner' AS owner, line->>'comment' AS comment,
  CASE jsonb_typeof(line->'acl') WHEN 'array' THEN ARRAY(SELECT jsonb_array_elements_text(line->'acl'))::aclitem[] END AS acl
  FROM pg_temp.described;
\o /dev/null
SELECT lo_create(oid) FROM pg_temp.content c WHERE NOT EXISTS (SELECT FROM pg_largeobject_metadata m WHERE m.oid = c.oid);
SELECT lo_put(oid, 0, bytes) FROM pg_temp.content;
\o
SELECT format('ALTER LARGE OBJECT %s OWNER TO %I', oid, owner) FROM pg_temp.wanted JOIN pg_largeobject_metadata USING (oid)
  WHERE owner <> pg_get_userbyid(lomowner) \gexec
SELECT format('GRANT %s ON LARGE OBJECT %s TO %s', g.privilege_type, w.oid,
  CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE g.grantee::regrole::text END || CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
  FROM pg_temp.wanted w JOIN pg_largeobject_metadata m USING (oid), aclexplode(w.acl) g
  WHERE m.lomacl IS DISTINCT FROM w.acl AND g.grantee <> m.lomowner \gexec
SELECT format('COMMENT ON LARGE OBJECT %s IS %L', oid, comment) FROM pg_temp.wanted
  WHERE comment IS DISTINCT FROM obj_description(oid, 'pg_largeobject') \gexec
END
}

restore_postgres() {
  local manifest=$1
  plan "$manifest" 'if .kind | IN("database", "archive", "table", "sequence", "large-objects", "omitted")
    then .stream // empty | stream else error("unknown kind") end'
  jq -e -s 'map(.kind) | index("database") == 0 and index("archive") == 1' <(head -n 2 -- "$manifest") >/dev/null ||
    die 'the manifest does not begin with a database and its archive'
  jq -r "$defs $tables_program"' select(.kind == "table" or .kind == "large-objects") | if .kind == "table" then
    [.kind, ("\(.schema).\(.name)" | us), (load + " FROM STDIN" | us),
     (if .extension then "DELETE FROM ONLY \(target(.)) \(.extension.condition // "")" else "" end | us)]
    else [.kind, "large objects", "", ""] end | fields' "$manifest" >"$work/entries"
  if [[ $database ]]; then restore_database "$manifest"; else restore_plain "$manifest"; fi
  jq -r 'select(.kind == "omitted") | "NOTE: not in the backup: \(.object): \(.reason)"' "$manifest" | tr '\000-\011\013-\037\177' '?' >&2
}

restore_plain() { # restore_plain MANIFEST
  local kind name load clear number=0 file
  mkdir "$work/tree/tables"
  write_schema "$1" "$work/tree"
  {
    echo '-- Run with psql in the directory of this file, after pre-data: psql -X -v ON_ERROR_STOP=1 -f load.sql'
    echo "SET search_path = ''; SET client_encoding = '$(encoding_of "$1")'; SET row_security = off; SET DateStyle = ISO;"
    while IFS=$'\037' read -r -u 4 kind name load clear; do
      if [[ $kind == large-objects ]]; then write_stream "$work/tree/large-objects.copy" && continue; fi
      printf -v file 'tables/%06d.copy' $((++number))
      write_stream "$work/tree/$file"
      if [[ $load$clear == *\\* ]]; then
        # psql ends a \copy at the end of the line: what stands after it would be obeyed.
        echo "-- $file: a name has a control character or a backslash; load it by hand, tables.ndjson names it"
      else
        [[ -z $clear ]] || echo "$clear;"
        printf '\\copy %s FROM '\''%s'\''\n' "${load:5:-11}" "$file"
      fi
    done 4<"$work/entries"
  } >"$work/tree/load.sql"
  jq -c 'select(.kind == "table") | {schema, name, columns, loadThrough, rows: .stream.rows.rows}' "$1" >"$work/tree/tables.ndjson"
  check_written
  deliver
  say "Restored: the schema and $number tables to $to. To build a database of it, see RECOVERY.md."
}

encoding_of() { # encoding_of MANIFEST: what the COPY text is written in
  if [[ $(jq -r 'select(.kind == "database") | .encoding' "$1") == SQL_ASCII ]]; then echo SQL_ASCII; else echo UTF8; fi
}

sql() { psql -X -q -A -t -v ON_ERROR_STOP=1 "$@"; }

conninfo() { # conninfo DATABASE: a connection string that is nothing but this name
  local name=${1//\\/\\\\}
  printf "dbname='%s'" "${name//\'/\\\'}"
}

restore_database() { # restore_database MANIFEST
  local manifest=$1 name=$database building maintenance=${PGDATABASE:-postgres} schema=$work/schema version jobs
  building="${database:0:48}.recovering"
  # The settings under which the rows were written; a server or role may have others of its own.
  export PGOPTIONS='-c search_path= -c DateStyle=ISO -c IntervalStyle=postgres -c TimeZone=UTC -c xmloption=content -c lc_monetary=C
    -c array_nulls=on -c standard_conforming_strings=on -c row_security=off -c default_transaction_read_only=off
    -c default_transaction_isolation=read\ committed -c statement_timeout=0 -c lock_timeout=0
    -c idle_in_transaction_session_timeout=0 -c client_min_messages=warning'
  PGOPTIONS=${PGOPTIONS//$'\n'/ }
  export PGDATABASE=$maintenance PGCLIENTENCODING=UTF8
  jobs=$(nproc)
  version=$(sql -c 'SHOW server_version_num') || die 'cannot reach the PostgreSQL server; it is named by PGHOST, PGPORT, PGUSER, PGPASSWORD'
  [[ -z $(sql -v a="$name" -v b="$building" <<<"SELECT 1 FROM pg_database WHERE datname IN (:'a', :'b')") ]] ||
    die "the database $name, or $building from an interrupted recovery, exists already: choose another name or drop it"
  mkdir "$schema"
  say 'Checking every table before the database is made'
  check_streams
  exec 3<"$work/plan.txt"
  write_schema "$manifest" "$schema"
  check_written
  sql -a -f "$schema/roles.sql" >"$work/roles.txt" || die 'the roles cannot be made: connect as a superuser'
  sed -n 's/^CREATE ROLE/Made: role/p' "$work/roles.txt" >&2
  sql -c "$(jq -r --arg name "$building" --argjson version "$version" "$defs"'
    "CREATE DATABASE \($name | ident) TEMPLATE template0 OWNER \(.owner | ident) ENCODING \(.encoding | literal) LC_COLLATE \(.collate | literal) LC_CTYPE \(.ctype | literal)" +
    (if $version < 150000 then "" else " LOCALE_PROVIDER \(.localeProvider)" + (if .localeProvider == "icu" then " ICU_LOCALE \(.locale | literal)" +
      (if .icuRules then " ICU_RULES \(.icuRules | literal)" else "" end) elif .localeProvider == "builtin" then " BUILTIN_LOCALE \(.locale | literal)" else "" end) end)' \
    "$schema/database.json")" || die 'the database cannot be made. A locale that this machine lacks is made by: dpkg-reconfigure locales'
  export PGDATABASE=$building
  jq -e .hasPublicSchema "$schema/database.json" >/dev/null || sql -c 'DROP SCHEMA IF EXISTS public'
  pg_restore --exit-on-error --section=pre-data --no-tablespaces -d "$(conninfo "$building")" "$schema/schema.dump" || incomplete 'the schema'
  load_tables "$manifest"
  sql -f "$schema/sequences.sql" >/dev/null || incomplete 'the sequences'
  if [[ -f $schema/large-objects.copy ]]; then
    (cd -- "$schema" && PGOPTIONS=${PGOPTIONS/search_path=/search_path=pg_catalog} sql -f large-objects.sql) || incomplete 'the large objects'
  fi
  say 'Indexes, constraints, triggers'
  pg_restore --section=post-data --no-tablespaces --no-subscriptions --jobs="$jobs" -d "$(conninfo "$building")" "$schema/schema.dump" ||
    incomplete 'some indexes, constraints or views'
  sql -c ANALYZE
  PGDATABASE=$maintenance sql -c "$(jq -nr --arg a "$building" --arg b "$name" "$defs"'"ALTER DATABASE \($a | ident) RENAME TO \($b | ident)"')"
  jq -r 'if (.settings | length) + (.memberships | length) + (.tablespaces | length) > 0 or .acl != null then
    "NOTE: left to you, from the snapshot: \({settings, memberships, tablespaces, acl} | tojson)" else empty end' "$schema/database.json" |
    tr '\000-\011\013-\037\177' '?' >&2
  say "Restored: the database $(shown "$name"). Its roles cannot log in and have no passwords; subscriptions are left out."
}

incomplete() { # incomplete WHAT
  die "$1 could not be restored, see above. What there is lies in the database $(shown "$PGDATABASE"), which is NOT complete."
}

check_streams() {
  local i
  while next_stream; do
    for i in "${!stream_sizes[@]}"; do
      [[ $(stream "$i" | sha256sum | cut -c1-64) == "${stream_sha256s[i]}" ]] ||
        die 'a table is not what was backed up: its SHA-256 differs. Nothing is restored.'
    done
  done
}

# A table whose CHECK constraints read another one may fail before that one is loaded: then it is tried again.
load_tables() { # load_tables MANIFEST
  local kind name load clear number total failed=0 before=-1
  local -a loaded=() statements
  total=$(wc -l <"$work/entries")
  PGCLIENTENCODING=$(encoding_of "$1")
  until ((failed == before)); do
    before=$failed failed=0 number=0
    exec 3<"$work/plan.txt"
    next_stream # the archive
    while IFS=$'\037' read -r -u 4 kind name load clear; do
      number=$((number + 1))
      next_stream
      if [[ ${loaded[number]-} ]]; then
        continue
      elif [[ $kind == large-objects ]]; then
        stream >"$work/schema/large-objects.copy"
        loaded[number]=1
      else
        printf -v name %b "$name" && printf -v load %b "$load" && printf -v clear %b "$clear"
        say "Table $number of $total: $(shown "$name")"
        statements=(-c "$load")
        # An extension's own script has put rows into its table; its triggers must not act again.
        [[ -z $clear ]] || statements=(-c 'SET session_replication_role = replica' -c "$clear" "${statements[@]}")
        if stream | sql "${statements[@]}" >/dev/null 2>"$work/psql.txt"; then
          loaded[number]=1
        else
          failed=$((failed + 1))
        fi
      fi
    done 4<"$work/entries"
    ((failed > 0)) || break
  done
  PGCLIENTENCODING=UTF8
  ((failed == 0)) || { shown "$(<"$work/psql.txt")" >&2 && incomplete "$failed of $total tables"; }
}

# --- what was asked for --------------------------------------------------------------------------------------------

restore() {
  local -a packs
  local type payload
  choose_snapshot
  [[ $type == postgres || -z $database ]] || die "$(shown "$source_name") is no database: give --to DIR"
  find_packs
  unpack_all
  plan "$payload" '.manifest | stream'
  write_stream "$work/manifest"
  check_written
  rm -f -- "$work/written" "$work/expected"
  "restore_${type//-/_}" "$work/manifest"
  jq -r '.shortfalls[]? | "NOTE: the backup itself fell short: \(.object): \(.reason)"' "$payload" | tr '\000-\011\013-\037\177' '?' >&2
  rm -rf -- "$work"
  work=''
  if [[ $root_time ]]; then
    chmod "$root_mode" -- "$to"
    set_time "$root_time" "$to"
  fi
}

main() {
  local tool
  while (($# > 0)); do
    case $1 in
      --list) list=1 && shift && continue ;;
      --site) site=${2-} ;;
      --identity) identity=${2-} ;;
      --trust-sha256) trust_sha256=${2-} ;;
      --source) source=${2-} ;;
      --snapshot) snapshot=${2-} ;;
      --to) to=${2-} ;;
      --database) database=${2-} ;;
      --work) area=${2-} ;;
      *) usage ;;
    esac
    [[ ${2-} ]] || usage
    shift 2
  done
  [[ $site && $identity && $trust_sha256 ]] || usage
  # A sheet may print it in groups.
  trust_sha256=${trust_sha256//[[:space:]]/} trust_sha256=${trust_sha256,,}
  [[ $trust_sha256 =~ ^[0-9a-f]{64}$ ]] || die '--trust-sha256 must have 64 hex digits'
  [[ $snapshot == latest || $snapshot =~ ^[0-9a-f]{4,64}$ ]] || die '--snapshot must be latest, or the first hex digits of an id'
  [[ $source ]] || list=1
  if [[ $list ]]; then [[ -z $to$database$source ]] || usage; else [[ $to && ! $database || $database && $area && ! $to ]] || usage; fi
  for tool in age age-keygen zstd jq openssl awk xargs ${database:+psql pg_restore}; do
    command -v "$tool" >/dev/null || die "$tool is missing. On Debian: apt-get install age zstd jq openssl attr postgresql-client"
  done
  site=$(absolute "$site")
  identity=$(absolute "$identity")
  trap cleanup EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  if [[ $to ]]; then
    mkdir -p -- "$to"
    to=$(absolute "$to")
    begin_work "$to"
    local all=("$to"/*)
    ((${#all[@]} == 1)) || die "$to is not empty: nothing is restored over what exists"
  elif [[ $area ]]; then
    area=$(absolute "$area")
    begin_work "$area"
  else
    # Snapshots name tables and sizes: without a place that the user named they stay in memory.
    begin_work "$(absolute /dev/shm)"
  fi
  load_trust
  if [[ $list ]]; then
    each_source list_source
    ((problems == 0)) || die "$problems objects or sources on this site are not trusted or not readable, see above"
  else
    restore
  fi
}

# At the end, so that half a script does nothing.
main "$@"
