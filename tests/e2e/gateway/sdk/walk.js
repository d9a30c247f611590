// A visitor's way through the shop; both browser SDKs take the same calls.
export function walk(analytics, { visitor, tracks, padding, isLeaving }) {
  const options = {
    context: { consent: { categoryPreferences: { 'collect.behaviour': true, 'personalise.world': true } } },
  }
  analytics.page('Games', 'Board games', {}, options)
  analytics.identify(visitor, { email: 'ann@example.com' }, options)
  analytics.alias(visitor, `${visitor}-earlier`, options)
  analytics.group('club', { name: 'Example Club' }, options)
  if (analytics.screen) analytics.screen('Games', 'Board games', {}, options)
  for (let number = 0; number < tracks; number++) {
    const properties = { product_id: `g-${number % 7}`, category: 'Games', price: 12.5, note: 'x'.repeat(padding) }
    analytics.track('Product Viewed', properties, options)
  }
  if (isLeaving) location.href = '/left'
}
