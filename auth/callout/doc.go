// Package callout is the Authorizer for apps that are not written in Go: it asks the app
// over HTTP what a user may do on a dashboard, and keeps the answers for a while.
//
//	rights, err := callout.New(callout.Config{URL: "http://127.0.0.1:8081/rights"})
//	defer rights.Close()
//	server, err := dashwire.New(dashwire.Config{Authorizer: rights, …})
//
// A question is a POST of {"userId": "ana", "tokenId": "b7c1", "dashboardId": "ops"}, where
// tokenId is left out if the token has no id. Its answer is 200 with {"role": "editor"},
// one of viewer, feeder, editor, owner and none, and maxAgeSeconds beside it for how long
// that counts. Anything else is no answer.
//
// It fails closed: without an answer the role is not known, and nothing may be done
// (UNAVAILABLE). One question is asked once however many wait for it, answers are kept in
// bounded memory, those of open subscriptions are asked for again before they end, and
// whoever holds a subscription hears of a change.
//
// It decides nothing by itself and knows no users: the grants in a token do not count.
package callout
