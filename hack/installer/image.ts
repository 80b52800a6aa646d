// The name of a container image, taken apart as kustomize wants it. It asks no registry.

export interface ImageReference {
  /** With registry and folders, without tag and digest. */
  readonly name: string;
  readonly tag?: string;
  /** sha256:... */
  readonly digest?: string;
}

/** The name can't be used; the message says which and how one looks. */
export class InvalidImage extends Error {
  override readonly name = 'InvalidImage';
}

/** A colon before the last slash is a registry's port. */
const reference = /^(?<name>[^@\s]*?[^@:\s])(?::(?<tag>[\w][\w.-]{0,127}))?(?:@(?<digest>sha256:[0-9a-f]{64}))?$/;
const nameForm =
  /^(?:[a-z0-9]+(?:[.-][a-z0-9]+)*(?::\d+)?\/)?[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$/;

/** As the OCI distribution specification has it, in lower case. */
export function readImage(text: string): ImageReference {
  const { name, tag, digest } = reference.exec(text)?.groups ?? {};
  if (name === undefined || !nameForm.test(name)) {
    throw new InvalidImage(
      `IMG: ${JSON.stringify(text)} is no image: write registry/name:tag or registry/name@sha256:<64 hexadecimal digits>`,
    );
  }
  return { name, ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) };
}
