import type { Issuer as GlueIssuer, Operation, Outcome } from '#issuer/authorization-server';
import { instantiate } from '#issuer';
import { Instance, drive, nothing, type Call, type Lent, type Source, type Task } from '../instance.js';
import { Operation as KeyOperation } from '../pending.js';
import { importSigningKey, SigningKey } from '../signing-key.js';
import { storeImports } from '../store-imports.js';
import type { Store } from '../store.js';
import type { WaitUntil } from '../types.js';
import { hookImports } from './hooks.js';
import type { IssuerOptions } from './types.js';

/** The context of a running call. */
export interface IssuerCall extends Call {
  ctx: WaitUntil | undefined;
}

/** The settings of the component: its configuration in JSON, and what it imports. */
export interface IssuerSettings extends Pick<Lent, 'fetch' | 'signatures'> {
  config: string;
  store: Store;
  hooks: Pick<IssuerOptions, 'onToken' | 'onAudit'>;
}

/** The issuer makes its own private keys, and has none by name. */
const signing: Lent['signing'] = (track) => ({
  SigningKey,
  PendingPublicKey: KeyOperation,
  PendingSignature: KeyOperation,
  importSigningKey: (key: Parameters<typeof importSigningKey>[0]) => importSigningKey(key, new Map(), track),
});

/** One instance of the component with one issuer in it. */
export class IssuerComponent extends Instance<GlueIssuer, IssuerCall> {
  /** The longest body that any endpoint reads, in bytes. */
  readonly maxBodyBytes: number;

  constructor({ modules, instantiate: instantiateCore }: Source, settings: IssuerSettings) {
    super();
    const compiled = modules();
    const { authorizationServer } = instantiate(
      (path) => compiled[path.split('.')[1] as keyof typeof compiled],
      {
        ...this.imports({ ...settings, signing }),
        'tollgate:auth/store': storeImports(settings.store, (operation) => this.call.pending.push(operation)),
        'tollgate:auth/hooks': hookImports(settings.hooks, () => this.call),
      } as any,
      instantiateCore,
    );
    const call = { ...nothing(), ctx: undefined };
    this.root = this.enter(() => authorizationServer.Issuer.create(settings.config, 'camel-case'), call);
    this.maxBodyBytes = this.enter(() => authorizationServer.maxBodyBytes(), call);
  }

  serves(url: string): boolean {
    return this.enter((issuer) => issuer.serves(url), { ...nothing(), ctx: undefined });
  }

  /** Carries out an operation. Nothing: the component trapped in another call meanwhile. */
  async run(operation: Operation, ctx: WaitUntil | undefined): Promise<Outcome | undefined> {
    const call: IssuerCall = { ...nothing(), ctx };
    const task = this.enter((issuer) => issuer.start(operation), call) as Task<Outcome>;
    const driven = drive(this, task, call, () => undefined);
    // If the client disconnects, the operation still ends: a decision in the middle of it would keep
    // the grant from others for a while.
    if (call.pending.some(({ mayHang }) => mayHang)) ctx?.waitUntil(driven.then(noop, noop));
    return (await driven)?.val;
  }
}

function noop(): void {}
