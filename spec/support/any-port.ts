/**
 * Preloaded before a snippet that serves: it listens on any free port of loopback, and says on which.
 */

import { Server } from 'node:net'

const { listen } = Server.prototype

Server.prototype.listen = function (this: Server, ...args: unknown[]): Server {
  const callback = args.find(argument => typeof argument === 'function') as () => void
  return listen.call(this, { port: 0, host: '127.0.0.1' }, () => {
    process.send?.({ port: (this.address() as { port: number }).port })
    callback?.()
  })
} as typeof listen
