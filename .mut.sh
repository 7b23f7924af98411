cp $1 .orig; python3 - "$1" "$2" "$3" <<'PY'
import sys
p,a,b=sys.argv[1:]
s=open(p).read(); assert a in s,a
open(p,'w').write(s.replace(a,b))
PY
PYTHONPATH=$PWD timeout 100 .venv/bin/python -m pytest -q ${T:-tests/unit/edge_agent/core/test_rolling_update.py} 2>&1 | grep -E "^(FAILED|[0-9]+ (passed|failed))" | cut -c1-180; cp .orig $1
