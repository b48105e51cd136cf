package message

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"strconv"
	"strings"
	"time"
)

// ofSyntax returns the message of an error of the standard library about text that cannot be read (XML, JSON, numbers,
// times, base64, hexadecimal), and the error that it is; nil for another error.
func ofSyntax(err error) (Message, error) {
	var x *xml.SyntaxError
	var j *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &x):
		return ofXML(x.Msg), x
	case errors.As(err, &j):
		return ofJSON(j.Error()), j
	case errors.As(err, &kind):
		return New("syntax.json-type", String("field", kind.Field), Nested("value", ofJSONType(kind.Value))), kind
	}
	return ofValue(err)
}

// ofValue is ofSyntax for the text of one value.
func ofValue(err error) (Message, error) {
	var number *strconv.NumError
	var at *time.ParseError
	var encoded base64.CorruptInputError
	var digit hex.InvalidByteError
	switch {
	case errors.As(err, &number) && errors.Is(number.Err, strconv.ErrRange):
		return New("syntax.number-range", String("text", number.Num)), number
	case errors.As(err, &number) && errors.Is(number.Err, strconv.ErrSyntax):
		return New("syntax.number", String("text", number.Num)), number
	case errors.As(err, &at):
		return New("syntax.time", String("text", at.Value)), at
	case errors.As(err, &encoded):
		return New("syntax.base64", Int("at", int(encoded))), encoded
	case errors.As(err, &digit):
		return New("syntax.hex"), digit
	case errors.Is(err, hex.ErrLength):
		return New("syntax.hex"), hex.ErrLength
	}
	return Message{}, nil
}

// xmlTexts are the beginnings of what encoding/xml says, which has no types for them, with the code of each.
var xmlTexts = []struct{ begins, code string }{
	{"unexpected EOF", "syntax.xml-cut"},
	{"unexpected end element ", "syntax.xml-end"},
	{"invalid character entity ", "syntax.xml-entity"},
	{"illegal character code ", "syntax.xml-character"},
	{"invalid UTF-8", "syntax.xml-utf-8"},
	{"attribute name without =", "syntax.xml-attribute"},
	{"unquoted or missing attribute value", "syntax.xml-attribute"},
	{"expected attribute name", "syntax.xml-attribute"},
	{"expected element name", "syntax.xml-name"},
}

// ofXML returns the message of a text of xml.SyntaxError.
func ofXML(text string) Message {
	if opened, closed, ok := strings.Cut(text, " closed by "); ok {
		return New("syntax.xml-closed", String("open", strings.TrimPrefix(opened, "element ")), String("close", closed))
	}
	for _, known := range xmlTexts {
		if rest, ok := strings.CutPrefix(text, known.begins); ok {
			return New(known.code, String("text", strings.TrimSuffix(rest, " (no semicolon)")))
		}
	}
	return New("syntax.xml")
}

// jsonPlaces are what encoding/json says of the place where a character is not allowed, which has no types for them
// either.
var jsonPlaces = []struct{ begins, code string }{
	{"looking for beginning of value", "syntax.json-value"},
	{"looking for beginning of object key string", "syntax.json-name"},
	{"after object key:value pair", "syntax.json-after-pair"},
	{"after object key", "syntax.json-after-name"},
	{"after array element", "syntax.json-after-element"},
	{"after top-level value", "syntax.json-after-all"},
	{"in string literal", "syntax.json-in-text"},
	{"in string escape code", "syntax.json-in-escape"},
	{"in \\u hexadecimal", "syntax.json-in-escape"},
	{"in literal", "syntax.json-in-word"},
	{"after decimal point", "syntax.json-in-number"},
	{"in exponent", "syntax.json-in-number"},
	{"in numeric literal", "syntax.json-in-number"},
}

// ofJSON returns the message of the text of a json.SyntaxError.
func ofJSON(text string) Message {
	if text == "unexpected end of JSON input" || text == "unexpected EOF" {
		return New("syntax.json-cut")
	}
	rest, ok := strings.CutPrefix(text, "invalid character ")
	if !ok {
		return New("syntax.json")
	}
	for _, known := range jsonPlaces {
		if character, _, ok := strings.Cut(rest, " "+known.begins); ok {
			return New("syntax.json-character", String("character", character), Nested("place", New(known.code)))
		}
	}
	return New("syntax.json")
}

// ofJSONType returns what json.UnmarshalTypeError has read: its first word is the type, and a number's digits follow.
func ofJSONType(value string) Message {
	switch word, _, _ := strings.Cut(value, " "); word {
	case "string", "number", "bool", "array", "object":
		return New("syntax.json." + word)
	}
	return Quote(value)
}
