// Package webhook says what goes out to other programs: the targets, the secrets that
// sign what they get (the Standard Webhooks convention), and what a store must remember
// so that every commit reaches each target at least once, in the order of its dashboard.
// Drivers of the store live in folders of their own (sqlitestore).
//
// It sends nothing itself; dashwire.Config takes a [Config] and does:
//
//	secret, err := webhook.ParseSecret(os.Getenv("HOOK_SECRET"))
//	…
//	cfg.Webhooks = webhook.Config{Store: store, Targets: []webhook.Target{{
//		Name: "audit", URL: "https://hooks.example.com/dashwire", Secrets: []webhook.Secret{secret},
//	}}}
//
// What receivers get, and how they check it, is in docs/webhooks.md.
package webhook
