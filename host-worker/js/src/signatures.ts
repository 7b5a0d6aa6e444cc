import { instantiate } from '#signatures';

/** The component's core modules, compiled. */
export interface SignatureModules {
  core: WebAssembly.Module;
  core2: WebAssembly.Module;
  core3: WebAssembly.Module;
}

/** The value of a gate's option `signatures`. It is instantiated when it is first needed. */
export function provider(modules: () => SignatureModules): object {
  let instance: Record<string, unknown> | undefined;
  const exports = () => {
    if (instance === undefined) {
      const compiled = modules();
      const { signatures } = instantiate((path: string) => compiled[path.split('.')[1] as keyof SignatureModules], {
        'tollgate:auth/random': { getBytes: (len: number) => crypto.getRandomValues(new Uint8Array(len)) },
      } as any);
      instance = signatures as unknown as Record<string, unknown>;
    }
    return instance;
  };
  const names = [
    'VerifyingKey',
    'SigningKey',
    'PendingVerdict',
    'PendingPublicKey',
    'PendingSignature',
    'supported',
    'importVerifyingKey',
    'importSigningKey',
  ];
  return Object.defineProperties(
    {},
    Object.fromEntries(names.map((name) => [name, { enumerable: true, get: () => exports()[name] }])),
  );
}
