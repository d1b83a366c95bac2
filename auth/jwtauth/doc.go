// Package jwtauth signs people in by JSON Web Tokens: it is an auth.Authenticator that
// checks a token's signature and claims and reads from them who somebody is and what
// they may do (P1).
//
//	door, err := jwtauth.New(jwtauth.Config{KeySetURL: "https://id.example.com/jwks.json",
//		Issuer: "https://id.example.com/", Audience: []string{"dashwire"}})
//	srv, err := dashwire.New(dashwire.Config{Journal: j, Authenticator: door})
//
// A key says by itself which algorithms it can check; the token's header only picks among
// those. A public key is therefore never taken as a secret, whatever a header says. What a
// header says about keys (jku, jwk, x5u, x5c) is not looked at, and nothing is fetched but
// the configured address.
//
// It starts no goroutine: keys are fetched by the call that finds them missing or old.
package jwtauth
