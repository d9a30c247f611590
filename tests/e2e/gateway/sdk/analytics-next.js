// What a page does with Segment's browser SDK.
import { AnalyticsBrowser } from '@segment/analytics-next'
import { walk } from './walk.js'

const { host, writeKey, isBatching } = window.plan
const apiHost = `${new URL(host).host}/v1`
const deliveryStrategy = isBatching ? { strategy: 'batching', config: { size: 100, timeout: 500 } } : undefined
const analytics = AnalyticsBrowser.load(
  { writeKey, cdnURL: host },
  { integrations: { 'Segment.io': { apiHost, protocol: 'http', deliveryStrategy } } },
)
analytics.ready().then(() => walk(analytics, window.plan))
