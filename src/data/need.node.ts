// Packages that only some readers need. They come with Elbo (optionalDependencies), but it works without them, and a page never sees them.

/** What `load` imports, or what to do where it is not installed. */
export async function need<T>(load: () => Promise<T>, name: string, format: string): Promise<T> {
  try {
    return await load();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new Error(`reading ${format} files needs a package that is not here: npm install ${name}`, { cause: error });
  }
}
