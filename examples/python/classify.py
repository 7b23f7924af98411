"""Have pictures classified from Python.

    python examples/python/classify.py one.jpg two.jpg

All are sent at once; the devices share them. Whatever dies in the meantime (a device, the broker,
the connection), the client asks again until each has its answer or its time is up.
"""

import argparse
import os
import sys

from fluid import FluidClient, FluidError


def main() -> int:
    parser = argparse.ArgumentParser(description="Have pictures classified.")
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="PNG, JPEG, .npy or raw pixels")
    parser.add_argument("--broker", default=os.environ.get("FLUID_BROKER"), metavar="URL")
    arguments = parser.parse_args()
    failed = False
    try:
        with FluidClient(arguments.broker, timeout_s=30) as client:
            # `submit` does not wait. Its future never raises: what went wrong is in the answer.
            asked = [(image, client.submit(image)) for image in arguments.images]
            for image, future in asked:
                answer = future.result()
                try:
                    result = answer.result()
                # This file's; the others go on. ValueError: it was a batch of several images.
                except (FluidError, ValueError) as error:
                    print(f"{image}: error: {error}", file=sys.stderr)
                    failed = True
                    continue
                print(
                    f"{image}: {result.class_name} ({result.confidence:.1%}), "
                    f"sub-network {result.subnetwork} on {' + '.join(result.devices)}, "
                    f"{answer.latency_ms:.0f} ms",
                    flush=True,  # or an error of the output would come when it is too late
                )
    except OSError as error:  # the output cannot be written: the disk is full, for example
        # What is still to be written would fail once more when Python ends, so it goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):  # that one's reader has seen enough
            print(f"error: cannot write the answers: {error}", file=sys.stderr)
        return 1
    except (FluidError, ValueError) as error:  # no connection at first, or no such URL
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
