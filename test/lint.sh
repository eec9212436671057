#!/usr/bin/env bash
# Formatting, static analysis and the rules of the house. Prints findings; exit status 1 where there are any.
set -u
cd "$(dirname "$0")/.."
findings=0

complain() {
	printf '%s\n' "$*"
	findings=$((findings + 1))
}

sources=$(git ls-files -co --exclude-standard 'src/*.c' 'src/*.h' 'test/*.c' 'test/*.h')
install_sql=$(git ls-files -co --exclude-standard 'src/*.sql')

# git says nothing where the tree belongs to somebody else, and nothing is found in nothing.
[ -n "$sources" ] && [ -n "$install_sql" ] || complain "git lists no sources here"

# One formatter.
format=$(command -v clang-format-14 || command -v clang-format)
for file in $sources; do
	"$format" --style=file --dry-run -Werror "$file" >/dev/null 2>&1 || complain "$file: not as clang-format leaves it (run make format)"
done

# cppcheck knows nothing of PG_FUNCTION_INFO_V1 and takes SQL functions for unused.
cppcheck --quiet --error-exitcode=1 --enable=warning,portability --inline-suppr --std=c11 \
	--suppress=missingIncludeSystem --suppress=unknownMacro --suppress=nullPointerRedundantCheck \
	-Isrc $(git ls-files -co --exclude-standard 'src/*.c') || complain "cppcheck has findings"

# Pure files touch neither server, clock nor transactions.
pure=$(make -s print-pure)
for object in $pure; do
	file=${object%.o}.c
	[ -e "$file" ] || { complain "$object: no such source"; continue; }
	grep -nE '\b(SPI_[a-z]+|GetCurrentTimestamp|StartTransactionCommand|ereport|elog|palloc|gettimeofday|clock_gettime|time)\(' "$file" |
		grep -vE ':[[:space:]]*(/?\*|\*)' | sed "s|^|$file: not pure: |" | grep . && findings=$((findings + 1))
	grep -n '#include "postgres' "$file" | sed "s|^|$file: not pure: |" | grep . && findings=$((findings + 1))
done

# What differs between versions of the server is asked for in one place.
grep -nE '\b(pg_[a-z]+_(aclcheck|ownercheck)|object_(aclcheck|ownercheck)|stringToQualifiedNameList|index_beginscan)\(|->pgprocno|PG_VERSION_NUM|pg_b64_(en|de)code\([^S]*$' \
	$(git ls-files -co --exclude-standard 'src/*.c' 'src/*.h' | grep -v '^src/core/compat.h$') |
	grep -vE 'pg_b64_(en|de)code\(.*SCHED_BASE64' | sed 's|^|not by core/compat.h: |' | grep . && findings=$((findings + 1))

# Length of files and functions.
for file in $sources $install_sql; do
	lines=$(wc -l <"$file")
	[ "$lines" -le 900 ] || complain "$file: $lines lines (ceiling 900)"
done

# Install scripts: CVE-2022-24128, and no definer function without a fixed search_path.
grep -nEi '(CREATE [A-Z ]+|ADD COLUMN )IF NOT EXISTS|CREATE OR REPLACE' $install_sql | grep . && findings=$((findings + 1))
python3 - $install_sql <<'PY' || findings=$((findings + 1))
import re, sys
bad = 0
for name in sys.argv[1:]:
    text = open(name).read()
    for m in re.finditer(r"CREATE (?:FUNCTION|PROCEDURE) ([\w.]+)\(.*?(?=\nCREATE |\Z)", text, re.S):
        body = m.group(0)
        head = body.split('$body$')[0]
        sql = re.search(r"LANGUAGE\s+(sql|plpgsql)", head, re.I)
        if sql and not re.search(r"SET search_path", head, re.I) and not re.search(r"BEGIN ATOMIC|\n\s*RETURN\b", head) \
                and not m.group(1).endswith('.run'):
            print(f"{name}: {m.group(1)} has no SET search_path"); bad = 1
sys.exit(bad)
PY

# Nothing of the place where it was written.
git ls-files -co --exclude-standard | grep -v '^test/lint.sh$' | xargs grep -nIE '(/work/|/root/|\bTODO\b|\bFIXME\b|\bXXX\b)' 2>/dev/null |
	grep -vE '\.(eml|out|json|jsonl)[:-]' | grep . && findings=$((findings + 1))

# The version stands in the control file and in META.json.
version=$(sed -n "s/^default_version = '\(.*\)'/\1/p" scheduler.control)
[ "$(grep -c "\"version\": \"$version\"" META.json)" = 2 ] || complain "META.json does not say $version twice"
grep -q "^## $version" CHANGELOG.md || complain "CHANGELOG.md has no entry for $version"

# Every room has a README.
for room in src/*/; do
	[ "$room" = src/core/ ] || [ -e "${room}README.md" ] || complain "$room has no README.md"
done

[ "$findings" = 0 ] && echo "lint: nothing found"
[ "$findings" = 0 ]
