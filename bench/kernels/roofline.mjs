// The least time that a machine needs for a kernel: what its arithmetic takes or what its memory takes, whichever is longer
// ("Roofline: An Insightful Visual Performance Model", Williams, Waterman and Patterson 2009).

/**
 * In microseconds. Of several kernels, one after the other; what is in a cache already costs no memory.
 * @param {readonly { flops: number, bytes: number }[]} kernels @param {{ gflops: number, gbps: number }} limits @param {boolean} isCached
 */
export function least(kernels, { gflops, gbps }, isCached) {
  let [arithmetic, memory] = [0, 0];
  for (const { flops, bytes } of kernels) {
    const [computing, moving] = [flops / gflops / 1e3, isCached ? 0 : bytes / gbps / 1e3];
    if (computing >= moving) arithmetic += computing;
    else memory += moving;
  }
  return { us: arithmetic + memory, bound: arithmetic >= memory ? "arithmetic" : "memory" };
}
