// The worker as a file, for pages whose policy forbids workers from Blobs: its address is the option `workerUrl`.

import { compile, LISTED_WORDS, phasesOf, workerMain } from "./worker.ts";

workerMain(compile, phasesOf, LISTED_WORDS);
