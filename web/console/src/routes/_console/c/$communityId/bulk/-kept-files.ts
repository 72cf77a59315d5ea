// Files of this visit, by the job that was made of them: what was tried is run without being chosen again. A page that was loaded
// anew has none of them and takes the file from the server.
export type KeptFile = {
  file: Blob;
  fileName: string;
  /** A job of the last 24 hours with the same file and options. */
  duplicateOf: string | null;
};

const files = new Map<string, KeptFile>();

export const keepFile = (job: string, file: KeptFile) => void files.set(job, file);
export const keptFile = (job: string): KeptFile | undefined => files.get(job);
