// What is used of workerd's own module. Whoever uses the package has the real types, from
// `@cloudflare/workers-types` or `wrangler types`.
declare module 'cloudflare:workers' {
  export class DurableObject<Env = unknown> {
    constructor(ctx: any, env: Env);
    protected ctx: any;
    protected env: Env;
    alarm?(): Promise<void> | void;
  }
}
