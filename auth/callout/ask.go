package callout

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/dashwire/dashwire/auth"
	"github.com/dashwire/dashwire/internal/jsontext"
)

// question is what is asked, and what answers are kept by. A token of its own may mean
// rights of its own.
type question struct {
	UserID      string `json:"userId"`
	TokenID     string `json:"tokenId,omitempty"`
	DashboardID string `json:"dashboardId"`
}

// answer is what the app says.
type answer struct {
	role auth.Role
	// counts is how long, from when it was asked for.
	counts time.Duration
}

// answerBody is the body of an answer. Members that are not known are left alone.
type answerBody struct {
	Role          *string  `json:"role"`
	MaxAgeSeconds *float64 `json:"maxAgeSeconds"`
}

// none is the role of who has none; null means the same.
const none = "none"

// ask puts one question to the app.
func (a *Authorizer) ask(ctx context.Context, q question) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, a.cfg.Timeout)
	defer cancel()
	body, err := jsontext.Encode(q)
	if err != nil {
		return answer{}, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, a.cfg.URL, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "dashwire")
	if a.cfg.Prepare != nil {
		if err := a.cfg.Prepare(r); err != nil {
			return answer{}, fmt.Errorf("preparing the question: %w", err)
		}
	}
	resp, err := a.client.Do(r)
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
			return answer{}, fmt.Errorf("there was no answer within %s", a.cfg.Timeout)
		}
		var of *url.Error
		if errors.As(err, &of) {
			err = of.Err // without the address, whose query may be a secret
		}
		return answer{}, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil && errors.Is(err, context.DeadlineExceeded):
		return answer{}, fmt.Errorf("the answer was not whole within %s", a.cfg.Timeout)
	case err != nil:
		return answer{}, fmt.Errorf("the answer broke off: %w", err)
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		return answer{}, fmt.Errorf("the answer is a redirect (%d), which is not followed: name the address that it leads to", resp.StatusCode)
	case resp.StatusCode != http.StatusOK:
		return answer{}, fmt.Errorf("the answer has status %d in the place of 200", resp.StatusCode)
	case len(data) > maxAnswer:
		return answer{}, fmt.Errorf("the answer has more than %d bytes", maxAnswer)
	}
	return a.parse(data)
}

// parse reads an answer. What is not understood is no answer: it must be no grant.
func (a *Authorizer) parse(data []byte) (answer, error) {
	var members map[string]jsontext.RawValue
	if err := jsontext.Check(data, jsontext.Limits{Depth: 8}); err != nil {
		return answer{}, fmt.Errorf("the answer is no valid JSON: %w", err)
	}
	var body answerBody
	if err := errors.Join(jsontext.Decode(data, &members), jsontext.Decode(data, &body)); err != nil {
		return answer{}, fmt.Errorf("the answer is not {role, maxAgeSeconds}: %w", err)
	}
	if _, there := members["role"]; !there {
		return answer{}, errors.New("the answer has no role: send one, or none")
	}
	out := answer{counts: a.cfg.CacheFor}
	if body.Role != nil && *body.Role != none {
		role, ok := auth.ParseRole(*body.Role)
		if !ok {
			return answer{}, fmt.Errorf("the answer has a role that is not known, %.40q: send viewer, feeder, editor, owner or none", *body.Role)
		}
		out.role = role
	}
	if s := body.MaxAgeSeconds; s != nil {
		switch {
		case *s < 0:
			return answer{}, errors.New("the answer has a maxAgeSeconds below 0")
		case *s >= longest.Seconds():
			out.counts = longest
		default:
			out.counts = max(shortest, time.Duration(*s*float64(time.Second)))
		}
	}
	return out, nil
}
