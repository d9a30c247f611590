// A visitor's way through the shop; both browser SDKs take the same calls.
export async function walk(analytics, { visitor, tracks, padding, isLeaving, isComingBack, isBack }) {
  if (isBack) return
  const options = {
    context: { consent: { categoryPreferences: { 'collect.behaviour': true, 'personalise.world': true } } },
  }
  analytics.page('Games', 'Board games', {}, options)
  analytics.identify(visitor, { email: 'ann@example.com' }, options)
  analytics.alias(visitor, `${visitor}-earlier`, options)
  analytics.group('club', { name: 'Example Club' }, options)
  if (analytics.screen) analytics.screen('Games', 'Board games', {}, options)
  const tracked = []
  for (let number = 0; number < tracks; number++) {
    const properties = { product_id: `g-${number % 7}`, category: 'Games', price: 12.5, note: 'x'.repeat(padding) }
    tracked.push(analytics.track('Product Viewed', properties, options))
  }
  // What a promise tells is that the event is in the SDK's queue.
  await Promise.all(tracked)
  if (isComingBack) await fetch('/leaving')
  if (isLeaving || isComingBack) location.href = '/left'
}
