// Package webhook sends signed messages to addresses that people have entered (the
// Standard Webhooks convention): the headers webhook-id, webhook-timestamp and
// webhook-signature, v1 with HMAC-SHA256. It reaches public addresses alone, unless told
// otherwise, follows no redirects, and holds what comes back to a time and a size.
//
// It keeps nothing: what has to be sent over a restart is its caller's to remember.
//
//	s := webhook.NewSender(webhook.Config{})
//	defer s.Close()
//	err := s.Deliver(ctx, target, webhook.Message{ID: "msg-1", Body: body})
package webhook
