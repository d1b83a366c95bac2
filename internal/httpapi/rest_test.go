package httpapi

import (
	"bytes"
	"fmt"
	"io"
	"testing"
)

// TestH1_AnAnswerIsNotLostWithTheRestOfABody: who sends the whole body before it reads, and
// wants the connection closed, reads why the body was refused, and no broken connection.
func TestH1_AnAnswerIsNotLostWithTheRestOfABody(t *testing.T) {
	n := start(t, nil)
	const size = maxRest - 1000
	body := bytes.Repeat([]byte(" "), size)
	for name, head := range map[string]string{
		"close":           "POST /api/realtime HTTP/1.1\r\nConnection: close\r\nContent-Encoding: gzip",
		"kept":            "POST /api/realtime HTTP/1.1\r\nContent-Encoding: gzip",
		"HTTP/1.0":        "POST /api/realtime HTTP/1.0\r\nContent-Encoding: gzip",
		"no such path":    "POST /api/nothing HTTP/1.1\r\nConnection: close",
		"another method":  "PUT /api/realtime HTTP/1.1\r\nConnection: close",
		"another origin":  "POST /api/realtime HTTP/1.1\r\nConnection: close\r\nOrigin: https://evil.example",
		"for a WebSocket": "GET /api/realtime HTTP/1.1\r\nConnection: close, upgrade\r\nUpgrade: websocket",
	} {
		t.Run(name, func(t *testing.T) {
			conn := n.in(t).dial()
			defer conn.Close()
			fmt.Fprintf(conn, "%s\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n", head, size)
			for rest := body; len(rest) > 0; rest = rest[size/4:] {
				if _, err := conn.Write(rest[:size/4]); err != nil {
					t.Fatalf("while the body is sent: %v", err)
				}
			}
			if name == "kept" {
				fmt.Fprint(conn, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
			}
			answer, err := io.ReadAll(conn)
			if err != nil || !bytes.HasPrefix(answer, []byte("HTTP/1.")) || !bytes.Contains(answer, []byte(" 4")) {
				t.Errorf("%.200q, %v", answer, err)
			}
		})
	}
}
