package wsconn

import (
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/dashwire/dashwire/internal/wire"
)

// IsUpgrade reports whether a request asks for a WebSocket at all; whether it does
// so rightly, Upgrade finds out.
func IsUpgrade(r *http.Request) bool {
	return hasToken(r.Header["Upgrade"], "websocket") && hasToken(r.Header["Connection"], "upgrade")
}

// handshakeError is a request that is refused before anything was taken over.
type handshakeError struct {
	status  int
	message string
}

func (e *handshakeError) Error() string { return e.message }

// check holds a request against RFC 6455 section 4.2.1 and returns its key.
func check(r *http.Request) (key string, err *handshakeError) {
	version := r.Header["Sec-Websocket-Version"]
	keys := r.Header["Sec-Websocket-Key"]
	switch {
	case r.Method != http.MethodGet:
		return "", &handshakeError{http.StatusMethodNotAllowed, "a WebSocket is opened with GET"}
	case r.ProtoMajor != 1 || r.ProtoMinor < 1:
		return "", &handshakeError{http.StatusBadRequest, "a WebSocket is opened over HTTP/1.1"}
	case !IsUpgrade(r):
		return "", &handshakeError{http.StatusUpgradeRequired, "this address speaks WebSocket: send Connection: Upgrade and Upgrade: websocket"}
	case len(version) != 1 || version[0] != "13":
		return "", &handshakeError{http.StatusUpgradeRequired, "the WebSocket version is 13: send Sec-WebSocket-Version: 13 once"}
	case len(keys) != 1:
		return "", &handshakeError{http.StatusBadRequest, "send Sec-WebSocket-Key once"}
	}
	if raw, bad := base64.StdEncoding.DecodeString(keys[0]); bad != nil || len(raw) != 16 {
		return "", &handshakeError{http.StatusBadRequest, "Sec-WebSocket-Key is not 16 bytes in base64"}
	}
	return keys[0], nil
}

// hasToken reports whether a token stands in the comma-separated values of a
// header, whatever its case.
func hasToken(values []string, token string) bool {
	for _, v := range values {
		for part := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.TrimSpace(part), token) {
				return true
			}
		}
	}
	return false
}

// takeOver checks the request and takes the connection from the HTTP server. hello is the
// 101 that is to be written before anything else, early what the client has sent already.
// If it returns an error, the request has been answered.
func takeOver(w http.ResponseWriter, r *http.Request) (l link, hello, early []byte, err error) {
	key, bad := check(r)
	if bad != nil {
		if bad.status == http.StatusUpgradeRequired {
			w.Header().Set("Sec-WebSocket-Version", "13")
			w.Header().Set("Upgrade", "websocket")
		}
		http.Error(w, bad.message, bad.status)
		return nil, nil, nil, fmt.Errorf("websocket handshake: %w", bad)
	}
	if l, early, err = hijack(w); err != nil {
		return nil, nil, nil, fmt.Errorf("websocket handshake: %w", err)
	}
	return l, answer(key, hasToken(r.Header["Sec-Websocket-Protocol"], wire.Subprotocol)), early, nil
}

// hijack takes the connection without the HTTP server's deadlines. If it returns an
// error, the request has been answered.
func hijack(w http.ResponseWriter) (l link, early []byte, err error) {
	if f, ok := w.(*fronted); ok {
		return f.take()
	}
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, "this connection cannot become a WebSocket", http.StatusInternalServerError)
		return nil, nil, fmt.Errorf("taking the connection over: %w", err)
	}
	if n := rw.Reader.Buffered(); n > 0 {
		early = make([]byte, n)
		_, err = rw.Reader.Read(early)
	}
	conn, early = unwrapped(conn, early)
	if err = errors.Join(err, conn.SetDeadline(time.Time{})); err != nil {
		return nil, nil, errors.Join(err, conn.Close())
	}
	return conn, early, nil
}

// answer is the 101, with room for what is to be written behind it.
func answer(key string, subprotocol bool) []byte {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	b := make([]byte, 0, 768)
	b = append(b, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "...)
	b = base64.StdEncoding.AppendEncode(b, sum[:])
	if subprotocol {
		// The pair "dashwire.v1, bearer.<token>" is answered without the token (C2).
		b = append(b, "\r\nSec-WebSocket-Protocol: "+wire.Subprotocol...)
	}
	return append(b, "\r\n\r\n"...)
}
