package jsontext

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Limits bound what Check lets through. A zero field means the default.
type Limits struct {
	Depth       int // objects and arrays inside one another, the outermost counted as 1; 32
	KeyBytes    int // bytes of a key, decoded; 256
	NumberChars int // characters of a number; 64
}

// The defaults.
const (
	maxDepth       = 32
	maxKeyBytes    = 256
	maxNumberChars = 64
)

func (l Limits) withDefaults() Limits {
	if l.Depth == 0 {
		l.Depth = maxDepth
	}
	if l.KeyBytes == 0 {
		l.KeyBytes = maxKeyBytes
	}
	if l.NumberChars == 0 {
		l.NumberChars = maxNumberChars
	}
	return l
}

// Check walks one JSON value and holds it against rule D4. It takes one step per
// byte, keeps memory in proportion to the depth limit and the number of keys in
// the objects that are open, and stops at the first fault; a key that stands twice
// is found where its object ends. The error is an *Error with path and reason.
func Check(data []byte, limits Limits) error {
	_, err := check(data, limits)
	return err
}

// CheckedCanonical is Check and Canonicalize in one. Text that is canonical already
// is only checked; the result is then a part of data.
func CheckedCanonical(data []byte, limits Limits) ([]byte, error) {
	canonical, err := check(data, limits)
	if err != nil {
		return nil, err
	}
	if canonical {
		return data, nil
	}
	return Canonicalize(data)
}

func check(data []byte, limits Limits) (canonical bool, err error) {
	c := checkers.Get().(*checker)
	c.lexer = lexer{data: data, canonical: true}
	c.limits = limits.withDefaults()
	if e := c.walk(); e != nil {
		err = e
	}
	canonical = c.canonical && err == nil
	if cap(c.keys) <= 4096 {
		clear(c.keys)
		c.data, c.frames, c.keys = nil, c.frames[:0], c.keys[:0]
		checkers.Put(c)
	}
	return canonical, err
}

// checkers are kept for their stacks.
var checkers = sync.Pool{New: func() any { return new(checker) }}

// frame is an object or array that is open.
type frame struct {
	object bool
	sorted bool // its keys so far are in canonical order, so none stands twice
	keys   int  // its first key in checker.keys
	index  int  // of the present item in an array
}

// checker walks a text without recursion.
type checker struct {
	lexer
	limits Limits
	frames []frame
	keys   [][]byte // decoded, of all objects that are open
}

func (c *checker) walk() *Error {
	c.spaces()
	if c.i == len(c.data) {
		return c.fail(ReasonSyntax, "there is no JSON here: send one JSON value")
	}
	for {
		opened, e := c.value()
		if e != nil {
			return e
		}
		for !opened { // a value has ended: go on to the next, or close what it ends
			c.spaces()
			if len(c.frames) == 0 {
				if c.i < len(c.data) {
					return c.fail(ReasonSyntax, "there is more after the JSON value: send one value alone")
				}
				return nil
			}
			f := &c.frames[len(c.frames)-1]
			if f.object && c.take('}') || !f.object && c.take(']') {
				if e := c.close(); e != nil {
					return e
				}
				continue
			}
			if !c.take(',') {
				return c.unexpected("a comma or the closing bracket")
			}
			f.index++
			c.spaces()
			if f.object {
				if e := c.key(); e != nil {
					return e
				}
			}
			break
		}
	}
}

// value reads a scalar, or the beginning of an object or array up to its first
// value; opened tells that a value is to follow at once.
func (c *checker) value() (opened bool, e *Error) {
	if c.i == len(c.data) {
		return false, c.unexpected("a value")
	}
	switch b := c.data[c.i]; b {
	case '{', '[':
		if len(c.frames) == c.limits.Depth {
			return false, c.fail(ReasonDepth, "the nesting is deeper than "+strconv.Itoa(c.limits.Depth)+": flatten it")
		}
		c.i++
		c.frames = append(c.frames, frame{object: b == '{', sorted: true, keys: len(c.keys)})
		c.spaces()
		if b == '[' {
			if c.take(']') {
				return false, c.close()
			}
			return true, nil
		}
		if c.take('}') {
			return false, c.close()
		}
		return true, c.key()
	case '"':
		if _, fault := c.string(); fault != nil {
			return false, c.fail(fault.reason, fault.message)
		}
		return false, nil
	case 't':
		return false, c.literal("true")
	case 'f':
		return false, c.literal("false")
	case 'n':
		return false, c.literal("null")
	}
	n := c.number()
	if n == 0 {
		return false, c.unexpected("a value")
	}
	if n > c.limits.NumberChars {
		return false, c.fail(ReasonNumber, "a number has "+strconv.Itoa(n)+" characters and may have "+strconv.Itoa(c.limits.NumberChars)+": shorten it or send it as a string")
	}
	return false, nil
}

func (c *checker) literal(word string) *Error {
	if len(c.data)-c.i < len(word) || string(c.data[c.i:c.i+len(word)]) != word {
		return c.fail(ReasonSyntax, "this is not valid JSON: "+word+" is expected here")
	}
	c.i += len(word)
	return nil
}

// key reads a key of the innermost object with its colon and the spaces after it.
func (c *checker) key() *Error {
	if c.i == len(c.data) || c.data[c.i] != '"' {
		return c.unexpectedIn(c.frames[:len(c.frames)-1], "a key in quotes")
	}
	start := c.i
	escaped, fault := c.string()
	if fault != nil {
		return c.failIn(c.frames[:len(c.frames)-1], fault.reason, fault.message)
	}
	key := c.data[start+1 : c.i-1]
	if escaped {
		key = decode(key)
	}
	f := &c.frames[len(c.frames)-1]
	if f.sorted && len(c.keys) > f.keys && compareUTF16(c.keys[len(c.keys)-1], key) >= 0 {
		f.sorted, c.canonical = false, false
	}
	c.keys = append(c.keys, key)
	if bad := checkKey(key, c.limits); bad != nil {
		if bad.Reason == ReasonKeyLength {
			bad.Path = c.pathOf(c.frames[:len(c.frames)-1])
		} else {
			bad.Path = c.pathOf(c.frames)
		}
		return bad
	}
	c.spaces()
	if !c.take(':') {
		return c.unexpected("a colon after the key")
	}
	c.spaces()
	return nil
}

// close ends the innermost object or array.
func (c *checker) close() *Error {
	f := c.frames[len(c.frames)-1]
	if !f.sorted {
		keys := c.keys[f.keys:]
		slices.SortFunc(keys, bytes.Compare)
		for i, key := range keys[1:] {
			if bytes.Equal(keys[i], key) {
				c.keys = append(c.keys, key) // as the present one, for the path
				return c.fail(ReasonDuplicate, "the key "+quoteShort(string(key))+" stands twice in one object: send it once")
			}
		}
	}
	clear(c.keys[f.keys:])
	c.keys = c.keys[:f.keys]
	c.frames = c.frames[:len(c.frames)-1]
	return nil
}

func (c *checker) unexpected(wanted string) *Error { return c.unexpectedIn(c.frames, wanted) }

func (c *checker) unexpectedIn(frames []frame, wanted string) *Error {
	if c.i >= len(c.data) {
		return c.failIn(frames, ReasonSyntax, "the JSON ends too early: send one complete JSON value")
	}
	return c.failIn(frames, ReasonSyntax, "this is not valid JSON: "+wanted+" is expected at byte "+strconv.Itoa(c.i))
}

func (c *checker) fail(reason Reason, message string) *Error {
	return c.failIn(c.frames, reason, message)
}

// failIn makes an Error at the present member or item of the innermost of frames.
func (c *checker) failIn(frames []frame, reason Reason, message string) *Error {
	return &Error{Reason: reason, Path: c.pathOf(frames), Message: message}
}

// pathOf builds the pointer to the present member or item of the innermost of frames.
func (c *checker) pathOf(frames []frame) string {
	var path strings.Builder
	for i, f := range frames {
		path.WriteByte('/')
		if !f.object {
			path.WriteString(strconv.Itoa(f.index))
			continue
		}
		last := len(c.keys) - 1
		if i+1 < len(c.frames) {
			last = c.frames[i+1].keys - 1
		}
		escaper := strings.NewReplacer("~", "~0", "/", "~1")
		if last >= f.keys {
			path.WriteString(escaper.Replace(string(c.keys[last])))
		}
	}
	return cutPath(path.String())
}

// CheckKey holds one decoded key against rule D4; nil means that it may be stored.
func CheckKey(key string, limits Limits) *Error { return checkKey(key, limits.withDefaults()) }

func checkKey[text string | []byte](key text, limits Limits) *Error {
	switch {
	case len(key) > limits.KeyBytes:
		return &Error{
			Reason:  ReasonKeyLength,
			Message: "the key " + quoteShort(string(key)) + " has " + strconv.Itoa(len(key)) + " bytes and may have " + strconv.Itoa(limits.KeyBytes) + ": shorten it",
		}
	case Forbidden(key):
		return &Error{Reason: ReasonKeyName, Message: "the key " + quoteShort(string(key)) + " is not allowed: choose another name"}
	}
	for i := range len(key) {
		if key[i] == 0 {
			return &Error{Reason: ReasonKeyNUL, Message: "the key " + quoteShort(string(key)) + " holds a NUL character: remove it"}
		}
	}
	return nil
}

// Forbidden reports whether a name could change a JavaScript object's prototype;
// such names are neither keys (D4) nor ids (D2).
func Forbidden[text string | []byte](name text) bool {
	switch string(name) {
	case "__proto__", "constructor", "prototype":
		return true
	}
	return false
}

// Deeper reports whether brackets nest deeper than depth, without decoding
// anything and in constant memory, so that it may run first on hostile bytes. On
// text that is not JSON the answer means nothing.
func Deeper(data []byte, depth int) bool {
	open := 0
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '"':
			for i++; i < len(data) && data[i] != '"'; i++ {
				if data[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			if open++; open > depth {
				return true
			}
		case '}', ']':
			open--
		}
	}
	return false
}
