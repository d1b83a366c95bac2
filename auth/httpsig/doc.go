// Package httpsig takes and makes HTTP Message Signatures (RFC 9421) on requests, for
// programs that call the server with a key instead of a token (C2). A signature binds
// the method, the place and the body of one request to a key and a moment, so that who
// sees or holds up a request can neither change it nor send it again.
//
// It signs and checks requests only, under ed25519, ecdsa-p256-sha256 and hmac-sha256.
// It checks no responses, fetches no keys, and takes no trailers, since these come
// after the body.
//
// A server hands an [Authenticator] to dashwire.Config.RequestAuthenticator:
//
//	key, err := httpsig.ParseKey("cron-1", httpsig.Ed25519, publicKeyInPEM)
//	v, err := httpsig.NewVerifier(httpsig.Config{Keys: []httpsig.Key{key}})
//	a := httpsig.NewAuthenticator(v, map[string]auth.Principal{"cron-1": {UserID: "cron"}})
//
// A client signs each request as the last thing before it sends it:
//
//	err := httpsig.Sign(request, privateKey, httpsig.SignOptions{})
package httpsig
