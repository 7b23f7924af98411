import sys
import time
import traceback
from collections import Counter

from tests.simulation.story import tell

names=Counter(); t=time.process_time()
lo,hi=int(sys.argv[1]),int(sys.argv[2])
simt=0
for seed in range(lo,hi):
    try:
        told=tell(seed)
    except Exception as e:
        names["EXC"]+=1
        if names["EXC"]<5: print(seed,"EXC",repr(e)[:200])
        if names["EXC"]<3: traceback.print_exc()
        continue
    simt+=told.world.now
    if told.violation: names[told.violation.invariant]+=1; print(seed,told.violation, len(told.plan.agents))
print(names,(time.process_time()-t)/(hi-lo), simt/(hi-lo))
