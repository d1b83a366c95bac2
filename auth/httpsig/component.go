package httpsig

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/dunglas/httpsfv"
)

// component is one thing that a signature covers (RFC 9421, section 2).
type component struct {
	id   string // with its parameters as they are written in the signature base
	name string // "@method", or a field's name in lower case

	sf, bs bool
	// member is the key of a dictionary that the field is (key=), hasMember that there
	// is one.
	member    string
	hasMember bool
	param     string // the name of a @query-param
}

// derived are the components of a request that are no fields.
var derived = map[string]func(*http.Request) string{
	"@method":         method,
	"@target-uri":     targetURI,
	"@authority":      authority,
	"@scheme":         scheme,
	"@request-target": requestTarget,
	"@path":           escapedPath,
	"@query":          query,
}

// structured are the structured fields that may be covered as such (sf): their type has
// to be known, since the same text may be read in several ways.
var structured = map[string]func([]string) (httpsfv.StructuredFieldValue, error){
	"accept-ch":           asList,
	"cache-status":        asList,
	"client-cert":         asItem,
	"client-cert-chain":   asList,
	"content-digest":      asDictionary,
	"idempotency-key":     asItem,
	"priority":            asDictionary,
	"proxy-status":        asList,
	"repr-digest":         asDictionary,
	"signature":           asDictionary,
	"signature-input":     asDictionary,
	"want-content-digest": asDictionary,
	"want-repr-digest":    asDictionary,
}

func asList(v []string) (httpsfv.StructuredFieldValue, error) { return httpsfv.UnmarshalList(v) }

func asItem(v []string) (httpsfv.StructuredFieldValue, error) { return httpsfv.UnmarshalItem(v) }

func asDictionary(v []string) (httpsfv.StructuredFieldValue, error) {
	return httpsfv.UnmarshalDictionary(v)
}

// components reads what a signature covers. Each may be there once (section 2.5).
func components(list httpsfv.InnerList) ([]component, *Error) {
	if len(list.Items) > maxComponents {
		return nil, refuse(TooLarge, "a signature covers at most %d components", maxComponents)
	}
	all := make([]component, 0, len(list.Items))
	seen := make(map[string]bool, len(list.Items))
	for _, item := range list.Items {
		c, err := parseComponent(item)
		if err != nil {
			return nil, err
		}
		if seen[c.id] {
			return nil, refuse(Malformed, "the signature covers %s twice", c.id)
		}
		seen[c.id] = true
		all = append(all, c)
	}
	return all, nil
}

func parseComponent(item httpsfv.Item) (component, *Error) {
	name, ok := item.Value.(string)
	if !ok {
		return component{}, refuse(Malformed, "a covered component is a string in quotes")
	}
	id, err := httpsfv.Marshal(item)
	if err != nil {
		return component{}, refuse(Malformed, "a covered component cannot be written").because(err)
	}
	c := component{id: id, name: name}
	for _, p := range item.Params.Names() {
		value, _ := item.Params.Get(p)
		if err := c.take(p, value); err != nil {
			return c, err
		}
	}
	return c, c.check()
}

// take takes a parameter of the component. One that is not understood changes what the
// component means, so it is refused.
func (c *component) take(name string, value any) *Error {
	flag, isFlag := value.(bool)
	text, isText := value.(string)
	switch {
	case name == "sf" && isFlag && flag:
		c.sf = true
	case name == "bs" && isFlag && flag:
		c.bs = true
	case name == "key" && isText:
		c.member, c.hasMember = text, true
	case name == "name" && isText && c.name == "@query-param":
		c.param = text
	case name == "tr":
		return refuse(Component, "%s: trailers are not taken", c.id)
	case name == "req":
		return refuse(Component, "%s: req is for responses", c.id)
	default:
		return refuse(Component, "%s: the parameter %s is not understood here", c.id, strconv.Quote(name))
	}
	return nil
}

func (c *component) check() *Error {
	isField := !strings.HasPrefix(c.name, "@")
	switch {
	case isField && !fieldName(c.name):
		return refuse(Malformed, "%s is no name of a field in lower case", c.id)
	case isField && c.bs && (c.sf || c.hasMember):
		return refuse(Component, "%s: bs goes with neither sf nor key", c.id)
	case isField:
		return nil
	case c.sf || c.bs || c.hasMember:
		return refuse(Component, "%s: sf, bs and key are for fields", c.id)
	case c.name == "@query-param":
		if c.id == `"@query-param"` {
			return refuse(Component, "%s needs the parameter name", c.id)
		}
		return nil
	case derived[c.name] == nil:
		return refuse(Component, "%s is no component of a request", c.id)
	}
	return nil
}

// whole reports whether the component covers all of a field, or is a derived one.
func (c *component) whole() bool { return !c.hasMember }

// fieldName reports whether s is a field's name in lower case.
func fieldName(s string) bool {
	for i := range len(s) {
		if b := s[i]; !('a' <= b && b <= 'z' || '0' <= b && b <= '9' || strings.IndexByte("!#$%&'*+-.^_`|~", b) >= 0) {
			return false
		}
	}
	return s != ""
}

// value is the component of r as it stands in the signature base.
func (c *component) value(r *http.Request) (string, *Error) {
	if f := derived[c.name]; f != nil {
		return f(r), nil
	}
	if c.name == "@query-param" {
		return queryParam(r, c)
	}
	lines := fieldLines(r, c.name)
	if len(lines) == 0 {
		return "", refuse(Component, "%s is covered by the signature, but the request has no such field", c.id)
	}
	size := 0
	for i, line := range lines {
		lines[i] = unfold(line)
		if size += len(line); size > maxField {
			return "", refuse(TooLarge, "%s: a covered field has at most %d bytes", c.id, maxField)
		}
	}
	switch {
	case c.bs:
		return bytesOf(lines), nil
	case c.hasMember:
		return memberOf(lines, c)
	case c.sf:
		return strictly(lines, c)
	}
	return strings.Join(lines, ", "), nil
}

// fieldLines are the lines of a field. Host and Content-Length stand elsewhere in
// requests of net/http.
func fieldLines(r *http.Request, name string) []string {
	switch {
	case name == "host":
		if host := hostOf(r); host != "" {
			return []string{host}
		}
		return nil
	case name == "content-length" && r.ContentLength > 0:
		return []string{strconv.FormatInt(r.ContentLength, 10)}
	}
	return append([]string(nil), r.Header.Values(name)...)
}

// unfold takes obsolete line folding and the space around a line away (section 2.1).
func unfold(line string) string {
	if strings.ContainsAny(line, "\r\n") {
		parts := strings.Split(strings.ReplaceAll(line, "\r\n", "\n"), "\n")
		for i := range parts {
			parts[i] = strings.Trim(parts[i], " \t")
		}
		line = strings.Join(parts, " ")
	}
	return strings.Trim(line, " \t")
}

// bytesOf gives each line as a byte sequence (section 2.1.3).
func bytesOf(lines []string) string {
	list := make(httpsfv.List, len(lines))
	for i, line := range lines {
		list[i] = httpsfv.NewItem([]byte(line))
	}
	text, err := httpsfv.Marshal(list)
	if err != nil {
		panic(err) // byte sequences can always be written
	}
	return text
}

// memberOf gives one member of a dictionary (section 2.1.2).
func memberOf(lines []string, c *component) (string, *Error) {
	dict, err := httpsfv.UnmarshalDictionary(lines)
	if err != nil {
		return "", refuse(Component, "%s: the field is no dictionary", c.id).because(err)
	}
	member, ok := dict.Get(c.member)
	if !ok {
		return "", refuse(Component, "%s: the field has no such member", c.id)
	}
	text, err := httpsfv.Marshal(member)
	if err != nil {
		return "", refuse(Component, "%s: the member cannot be written", c.id).because(err)
	}
	return text, nil
}

// strictly gives a structured field in the one way to write it (section 2.1.1).
func strictly(lines []string, c *component) (string, *Error) {
	parse := structured[c.name]
	if parse == nil {
		return "", refuse(Component, "%s: the field's type is not known here; cover it without sf", c.id)
	}
	value, err := parse(lines)
	if err != nil {
		return "", refuse(Component, "%s: the field is not of its type", c.id).because(err)
	}
	text, err := httpsfv.Marshal(value)
	if err != nil {
		return "", refuse(Component, "%s: the field cannot be written", c.id).because(err)
	}
	return text, nil
}
