package httpsig

import (
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/dunglas/httpsfv"
)

// SignOptions are how a request is signed. The zero value suits a Dashwire server.
type SignOptions struct {
	// Label names the signature among others; "" = "sig".
	Label string
	// Components are what is covered: names, or with parameters as in a signature base
	// (`"priority";key="u"`). Nil = @method, @authority, @path, @query,
	// and of content-digest and DefaultFields what the request has.
	Components []string
	// Created is when the request is signed; zero = now. Expires is when the signature
	// ends; zero = it names no end.
	Created, Expires time.Time
	// Nonce marks this one request; "" = 128 random bits.
	Nonce string
	// Tag names the application that the signature is for; "" = none.
	Tag string
}

// Sign signs a request that a client is about to send: it adds Content-Digest, if there
// is a body and the header is not there, Signature-Input and Signature. The body is
// read and given back, and nothing that is covered may change after it. Signatures
// under other labels stay.
func Sign(r *http.Request, key Key, o SignOptions) error {
	if err := sign(r, key, o); err != nil {
		return fmt.Errorf("httpsig.Sign: key %q: %w", key.id, err)
	}
	return nil
}

func sign(r *http.Request, key Key, o SignOptions) error {
	if o.Label == "" {
		o.Label = "sig"
	}
	if o.Created.IsZero() {
		o.Created = time.Now()
	}
	if o.Nonce == "" {
		o.Nonce = rand.Text()
	}
	if err := addDigest(r); err != nil {
		return err
	}
	if o.Components == nil {
		o.Components = []string{"@method", "@authority", "@path", "@query"}
		for _, f := range append([]string{"content-digest"}, DefaultFields...) {
			if len(r.Header.Values(f)) > 0 {
				o.Components = append(o.Components, f)
			}
		}
	}
	list, err := innerList(o, key)
	if err != nil {
		return err
	}
	all, refusal := components(list)
	if refusal != nil {
		return refusal
	}
	base, refusal := signatureBase(r, all, list)
	if refusal != nil {
		return refusal
	}
	sig, err := key.sign(base)
	if err != nil {
		return err
	}
	if err := addMember(r, "Signature-Input", o.Label, list); err != nil {
		return err
	}
	return addMember(r, "Signature", o.Label, httpsfv.NewItem(sig))
}

// addDigest adds the digest of the body.
func addDigest(r *http.Request) error {
	if r.Body == nil || r.Body == http.NoBody || len(r.Header.Values(digestField)) > 0 {
		return nil
	}
	if r.GetBody == nil {
		body, err := readBody(r, 1<<40)
		if err != nil {
			return err
		}
		r.Header.Set(digestField, digestOf(body))
		return nil
	}
	again, err := r.GetBody()
	if err != nil {
		return err
	}
	defer again.Close()
	body, err := io.ReadAll(again)
	if err != nil {
		return err
	}
	r.Header.Set(digestField, digestOf(body))
	return nil
}

// innerList is what the signature covers, with its parameters.
func innerList(o SignOptions, key Key) (httpsfv.InnerList, error) {
	list := httpsfv.InnerList{Params: httpsfv.NewParams()}
	for _, c := range o.Components {
		item := httpsfv.NewItem(strings.ToLower(c))
		if strings.HasPrefix(c, `"`) {
			var err error
			if item, err = httpsfv.UnmarshalItem([]string{c}); err != nil {
				return list, fmt.Errorf("the component %s: %w", c, err)
			}
		}
		list.Items = append(list.Items, item)
	}
	list.Params.Add("created", o.Created.Unix())
	if !o.Expires.IsZero() {
		list.Params.Add("expires", o.Expires.Unix())
	}
	list.Params.Add("nonce", o.Nonce)
	list.Params.Add("alg", string(key.algorithm))
	list.Params.Add("keyid", key.id)
	if o.Tag != "" {
		list.Params.Add("tag", o.Tag)
	}
	return list, nil
}

// addMember adds a member to a dictionary in the header, in the place of one that has
// its name.
func addMember(r *http.Request, field, label string, m httpsfv.Member) error {
	dict, refusal := dictionary(field, slices.Clone(r.Header.Values(field)))
	if refusal != nil {
		return refusal
	}
	dict.Add(label, m)
	text, err := httpsfv.Marshal(dict)
	if err != nil {
		return err
	}
	r.Header.Set(field, text)
	return nil
}
