package message

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"
)

// Error is an error that people can be told of in their language.
type Error struct {
	Message Message
	Err     error // what led to it, nil for nothing
}

// Errorf returns an error that says a message; like fmt.Errorf, but with a code and named arguments.
func Errorf(code string, args ...Arg) error { return &Error{Message: New(code, args...)} }

// Wrap returns an error that says a message because of another error. The entry can say that one as {{.cause}}.
func Wrap(err error, code string, args ...Arg) error {
	return &Error{Message: New(code, append(args[:len(args):len(args)], CausedBy(err))...), Err: err}
}

// Error implements error, in English.
func (e *Error) Error() string { return e.Message.English() }

// Unwrap returns what led to the error.
func (e *Error) Unwrap() error { return e.Err }

// Of returns what an error says: the message that it carries or that of its code (coded), a message of the
// catalogue for what an operating system, TLS, a certificate or a parser of the standard library says, and else a
// message that quotes it. What was wrapped around it with fmt.Errorf is said before it.
func Of(err error) Message {
	if err == nil {
		return Message{}
	}
	if m, inner := ofSeveral(err); inner != nil {
		return within(err, inner, m)
	}
	if m, inner := ofMessage(err); inner != nil {
		return within(err, inner, m)
	}
	for _, of := range []func(error) (Message, error){ofCertificate, ofSyntax, ofSystem} {
		if m, inner := of(err); inner != nil {
			return within(err, inner, m)
		}
	}
	return Quote(err.Error())
}

// ofMessage returns the outermost message in the tree of an error, and the error that says it; nil for none.
func ofMessage(err error) (Message, error) {
	switch e := err.(type) {
	case *Error:
		return e.Message, e
	case coded:
		return ofCoded(e), e
	case interface{ Unwrap() error }:
		return ofMessage(e.Unwrap())
	case interface{ Unwrap() []error }:
		for _, one := range e.Unwrap() {
			if m, inner := ofMessage(one); inner != nil {
				return m, inner
			}
		}
	}
	return Message{}, nil
}

// coded is an error of a package that must not import this one and yet has a sentence in the catalogue: a
// transport.Error, or a Message or Text of package coded. The values are plain: a string, an int, a time.Duration,
// a measure, a count, or another error.
type coded interface {
	error
	MessageCode() string
	MessageArgs() iter.Seq2[string, any]
}

// measure is a number with its unit, as Num has them.
type measure interface {
	Measure() (value float64, decimals int, fixed bool, unit string)
}

// count is a number of things, with the code of its entry.
type count interface {
	Counted() (n int, code string)
}

func ofCoded(e coded) Message {
	m := New(e.MessageCode())
	for name, value := range e.MessageArgs() {
		m.Args = append(m.Args, plainArg(name, value))
	}
	return m
}

// plainArg returns an argument of a plain value.
func plainArg(name string, value any) Arg {
	switch v := value.(type) {
	case nil:
		return Nested(name, Message{})
	case string:
		return String(name, v)
	case int:
		if name == "n" { // as everywhere in the catalogue, what is counted
			return Count(name, v)
		}
		return Int(name, v)
	case time.Duration:
		return ExactDuration(name, v)
	case measure:
		value, decimals, fixed, unit := v.Measure()
		return Arg{name, Num{value, decimals, fixed, unit}}
	case count:
		n, code := v.Counted()
		return Nested(name, New(code, Count("n", n)))
	case error:
		return Nested(name, Of(v))
	}
	return String(name, fmt.Sprint(value))
}

// ofSeveral returns what joined errors say, each on its line as errors.Join has it, and the error that joins them; nil
// when none is in the chain before a message.
func ofSeveral(err error) (Message, error) {
	for ; err != nil; err = errors.Unwrap(err) {
		if _, ok := err.(coded); ok {
			break
		}
		if _, ok := err.(*Error); ok {
			break
		}
		several, ok := err.(interface{ Unwrap() []error })
		if !ok {
			continue
		}
		all := several.Unwrap()
		if errors.Join(all...).Error() != err.Error() {
			break // fmt.Errorf with several causes
		}
		parts := make([]Message, len(all))
		for i, one := range all {
			parts[i] = Of(one)
		}
		return Join("\n", parts...), err
	}
	return Message{}, nil
}

// within puts before a message what was wrapped around its error.
func within(outer, inner error, m Message) Message {
	where, ok := strings.CutSuffix(outer.Error(), inner.Error())
	var request *url.Error
	if errors.As(outer, &request) { // its text begins with a verb: Get "http://10.0.0.9/"
		where = strings.Replace(where, fmt.Sprintf("%s %q", request.Op, request.URL), request.URL, 1)
	}
	if where = strings.TrimRight(where, ": "); !ok || where == "" {
		return m
	}
	return New("within", String("where", where), Nested("cause", m))
}

// ofSystem returns the message of an error of operating system or network, and the error that it is; nil for another
// error.
func ofSystem(err error) (Message, error) {
	var dns *net.DNSError
	var op *net.OpError
	var address *net.AddrError
	var path *fs.PathError
	var call *os.SyscallError
	var number syscall.Errno
	switch {
	case errors.As(err, &address):
		m := New("net.not-an-address", String("address", address.Addr))
		if errors.As(err, &op) {
			return m, op
		}
		return m, address
	case errors.As(err, &op):
		return ofNetwork(op), op
	case errors.As(err, &dns):
		return ofName(dns), dns
	case errors.As(err, &path):
		return ofFile(path), path
	case errors.As(err, &call):
		return ofNumber(call), call
	case errors.As(err, &number):
		return ofNumber(number), number
	case errors.Is(err, os.ErrDeadlineExceeded):
		return New("system.timeout"), os.ErrDeadlineExceeded
	case errors.Is(err, context.DeadlineExceeded):
		return New("system.timeout"), context.DeadlineExceeded
	case errors.Is(err, io.EOF):
		return New("system.closed"), io.EOF
	case errors.Is(err, io.ErrUnexpectedEOF):
		return New("system.cut"), io.ErrUnexpectedEOF
	case errors.Is(err, net.ErrClosed):
		return New("system.closed-here"), net.ErrClosed
	}
	return Message{}, nil
}

func ofName(e *net.DNSError) Message {
	if e.IsNotFound {
		return New("net.no-such-host", String("host", e.Name))
	}
	return New("net.resolver", String("host", e.Name))
}

// ofNetwork describes what an operation of package net met.
func ofNetwork(e *net.OpError) Message {
	var dns *net.DNSError
	if errors.As(e.Err, &dns) {
		return ofName(dns)
	}
	where := Str("")
	if e.Addr != nil {
		where = Str(e.Addr.String())
	}
	address := Arg{"address", where}
	switch {
	case errors.Is(e.Err, syscall.ECONNREFUSED):
		return New("net.refused", address)
	case errors.Is(e.Err, syscall.EHOSTUNREACH):
		return New("net.no-route", address)
	case errors.Is(e.Err, syscall.ENETUNREACH):
		return New("net.unreachable", address)
	case errors.Is(e.Err, syscall.EADDRINUSE):
		return New("net.in-use", address)
	case errors.Is(e.Err, syscall.EADDRNOTAVAIL):
		return New("net.no-address", address)
	case errors.Is(e.Err, syscall.EACCES) && e.Op == "listen":
		return New("net.port-denied", address)
	case errors.Is(e.Err, syscall.ECONNRESET), errors.Is(e.Err, syscall.EPIPE):
		return New("net.reset")
	case errors.Is(e.Err, net.ErrClosed):
		return New("system.closed-here")
	case e.Timeout() && e.Op == "dial":
		return New("net.no-answer", address)
	case e.Timeout():
		return New("system.timeout")
	}
	return Quote(e.Error())
}

// ofFile describes what happened to a file.
func ofFile(e *fs.PathError) Message {
	path := String("path", e.Path)
	switch {
	case errors.Is(e.Err, fs.ErrNotExist):
		return New("file.missing", path)
	case errors.Is(e.Err, fs.ErrPermission):
		return New("file.denied", path)
	case errors.Is(e.Err, syscall.ENOSPC):
		return New("file.disk-full", path)
	case errors.Is(e.Err, syscall.EROFS):
		return New("file.read-only", path)
	case errors.Is(e.Err, syscall.EIO):
		return New("file.broken", path)
	case errors.Is(e.Err, syscall.ENOTDIR):
		return New("file.no-folder", path)
	case errors.Is(e.Err, syscall.EISDIR):
		return New("file.folder", path)
	}
	return Quote(e.Error())
}

// ofNumber says an error number that came without an address or a file.
func ofNumber(err error) Message {
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return New("system.refused")
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return New("system.closed")
	case errors.Is(err, syscall.ETIMEDOUT):
		return New("system.timeout")
	case errors.Is(err, fs.ErrPermission):
		return New("system.denied")
	case errors.Is(err, syscall.ENOSPC):
		return New("system.disk-full")
	case errors.Is(err, syscall.EIO):
		return New("system.broken")
	case errors.Is(err, fs.ErrNotExist):
		return New("system.missing")
	case errors.Is(err, syscall.ENOTDIR):
		return New("system.no-folder")
	case errors.Is(err, syscall.EISDIR):
		return New("system.folder")
	}
	return Quote(err.Error())
}
