// Elbo itself, as peers/peer.mjs says; it stands here, where "elbo" can be imported. Beside the common work it has its own:
//   node bench/engines/elbo.mjs --work layers|startup|replay|profile --folder DIR --backend wasm|webgpu|js [--threads 2] [--turbo]
import { answer } from "../peers/peer.mjs";
import { gemm, layers, replay, singleKernels } from "./elbo/kernels.mjs";
import { profile } from "./elbo/profile.mjs";
import { startup, train } from "./elbo/train.mjs";

await answer({ train, gemm, layers, kernels: singleKernels, startup, replay, profile });
