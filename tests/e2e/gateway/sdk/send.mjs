// Sends one visitor's events through the unmodified Node SDK: node send.mjs HOST WRITE_KEY VISITOR COUNT
import { Analytics } from '@segment/analytics-node'

const [host, writeKey, visitor, count] = process.argv.slice(2)
const analytics = new Analytics({ writeKey, host, flushAt: 50 })
const failures = []
analytics.on('error', (error) => failures.push(error.code))

const context = { consent: { categoryPreferences: { 'collect.behaviour': true, 'personalise.world': true } } }
analytics.identify({ userId: visitor, anonymousId: `${visitor}-before`, traits: { email: 'ann@example.com' }, context })
analytics.page({ userId: visitor, category: 'Games', name: 'Board games', context })
analytics.group({ userId: visitor, groupId: 'club', traits: { name: 'Example Club' }, context })
for (let number = 3; number < Number(count); number++) {
  analytics.track({
    userId: visitor,
    event: 'Product Viewed',
    properties: { product_id: `g-${number % 7}`, category: 'Games', price: 12.5 },
    context,
  })
}
await analytics.closeAndFlush({ timeout: 30000 })
console.log(JSON.stringify({ failures }))
process.exit(failures.length ? 1 : 0)
