// What a page does with RudderStack's browser SDK.
import { RudderAnalytics } from '@rudderstack/analytics-js/bundled'
import { walk } from './walk.js'

const { host, writeKey, isBatching, isBeaconing } = window.plan
const analytics = new RudderAnalytics()
analytics.load(writeKey, host, {
  configUrl: host,
  useBeacon: isBeaconing,
  queueOptions: isBatching ? { batch: { enabled: true, maxItems: 100, flushInterval: 500 } } : {},
})
analytics.ready(() => walk(analytics, window.plan))
