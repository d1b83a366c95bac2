package bench

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Patiently does a request, and again after as long as the server asks for when it has had enough
// for now (RFC 6585, Retry-After in seconds). Any other response is the caller's.
func Patiently(ctx context.Context, do func() (*http.Response, error)) (*http.Response, error) {
	for {
		res, err := do()
		if err != nil || res.StatusCode != http.StatusTooManyRequests {
			return res, err
		}
		seconds, bad := strconv.ParseUint(res.Header.Get("Retry-After"), 10, 16)
		if bad != nil {
			return res, nil
		}
		_ = res.Body.Close()
		select {
		case <-time.After(max(1, time.Duration(seconds)) * time.Second):
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %s", ctx.Err(), res.Status)
		}
	}
}
