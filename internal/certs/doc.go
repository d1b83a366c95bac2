// Package certs has the certificates that a server shows: from files that may be replaced
// while it runs, or from an authority that speaks ACME (RFC 8555).
//
//	files, err := certs.FromFiles("tls.crt", "tls.key")
//	server.TLSConfig = files.TLS()
//	…
//	err = files.Reload() // connections that are open keep the certificate they began with
//
// It opens no port and watches no file: its caller says when to look again.
package certs
