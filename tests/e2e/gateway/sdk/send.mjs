// Sends what a plan says through an unmodified Node SDK: node send.mjs NAME PLAN
import { Analytics as Segment } from '@segment/analytics-node'
import Rudder from '@rudderstack/rudder-sdk-node'

const [name, said] = process.argv.slice(2)
const { host, writeKey, visitor, tracks, padding, gzip } = JSON.parse(said)
const failures = []

const sdks = {
  'analytics-node': () => {
    const analytics = new Segment({ writeKey, host, flushAt: 100 })
    analytics.on('error', (error) => failures.push(String(error.reason ?? error.code)))
    return { analytics, end: () => analytics.closeAndFlush({ timeout: 60000 }) }
  },
  'rudder-node': () => {
    const errorHandler = (error) => failures.push(String(error))
    const analytics = new Rudder(writeKey, { dataPlaneUrl: host, flushAt: 100, gzip, errorHandler, logLevel: 'silly' })
    // It says of each event when it is done with it, and of a flush only that the first batch left.
    const waiting = []
    const called = (method) => (message) => waiting.push(new Promise((done) => analytics[method](message, done)))
    const methods = ['identify', 'alias', 'group', 'page', 'screen', 'track'].map((each) => [each, called(each)])
    const end = async () => {
      while (analytics.queue.length) await analytics.flush()
      await Promise.all(waiting)
    }
    return { analytics: Object.fromEntries(methods), end }
  },
}

const context = { consent: { categoryPreferences: { 'collect.behaviour': true, 'personalise.world': true } } }
const { analytics, end } = sdks[name]()
analytics.identify({ userId: visitor, anonymousId: `${visitor}-before`, traits: { email: 'ann@example.com' }, context })
analytics.alias({ previousId: `${visitor}-earlier`, userId: visitor, context })
analytics.group({ userId: visitor, groupId: 'club', traits: { name: 'Example Club' }, context })
analytics.page({ userId: visitor, category: 'Games', name: 'Board games', context })
analytics.screen({ userId: visitor, category: 'Games', name: 'Board games', context })
for (let number = 0; number < tracks; number++) {
  const properties = { product_id: `g-${number % 7}`, category: 'Games', price: 12.5, note: 'x'.repeat(padding) }
  analytics.track({ userId: visitor, event: 'Product Viewed', properties, context })
}
await end()
console.log(JSON.stringify({ failures }))
process.exit(0)
