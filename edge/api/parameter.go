package api

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"lanewarden/drivers/message"
)

// Parameter is a field of a request type that stands in the URL or a header. Its tags are
//
//	path, query or header  where it stands, and its name there
//	default                what the server assumes when it is absent
//	min, max               bounds of a number, of a duration, or of how often it may be given
//	enum                   the values that are allowed, separated by commas
//
// A field may be a string, an integer, a *int64 (nil when absent), a bool (true when present, and neither "false" nor "0"), a time.Time (RFC 3339),
// a time.Duration, a slice of strings (given several times), or an encoding.TextUnmarshaler.
type Parameter struct {
	In, Name string
	Type     reflect.Type
	Default  string
	Min, Max string
	Enum     []string
	index    []int // of the field
}

// timeExample shows the format of times in messages.
const timeExample = "2026-11-25T03:12:00Z"

// Parameters returns the parameters of a request type, in the order of its fields.
func Parameters(in reflect.Type) (out []Parameter) {
	for _, f := range reflect.VisibleFields(in) {
		for _, place := range []string{"path", "query", "header"} {
			name, ok := f.Tag.Lookup(place)
			if !ok {
				continue
			}
			p := Parameter{In: place, Name: name, Type: f.Type, index: f.Index}
			p.Default, p.Min, p.Max = f.Tag.Get("default"), f.Tag.Get("min"), f.Tag.Get("max")
			if text := f.Tag.Get("enum"); text != "" {
				p.Enum = strings.Split(text, ",")
			}
			out = append(out, p)
		}
	}
	return out
}

// set parses values into a field. There is at least one value; all but slices use the first.
func (p *Parameter) set(field reflect.Value, values []string) error {
	text := values[0]
	if len(p.Enum) > 0 && !slices.Contains(p.Enum, text) {
		return p.wrong(text, message.New("api.not-one-of", message.String("known", strings.Join(p.Enum, ", "))))
	}
	switch v := field.Addr().Interface().(type) {
	case encoding.TextUnmarshaler: // includes time.Time
		return p.setText(v, text)
	case *time.Duration:
		return p.setDuration(v, text)
	case *bool:
		*v = text != "false" && text != "0"
	case *string:
		*v = text
	case *[]string:
		if most, err := strconv.Atoi(p.Max); err == nil && len(values) > most {
			return NewProblem(BadRequest, message.New("api.parameter-times", message.String("name", p.Name),
				message.Int("times", len(values)), message.Int("most", most)))
		}
		*v = values
	case **int64:
		*v = new(int64)
		return p.setInt(reflect.ValueOf(*v).Elem(), text)
	default:
		return p.setInt(field, text)
	}
	return nil
}

func (p *Parameter) setText(v encoding.TextUnmarshaler, text string) error {
	err := v.UnmarshalText([]byte(text))
	if _, ok := v.(*time.Time); ok && err != nil {
		return p.wrong(text, message.New("api.not-a-time", message.String("example", timeExample)))
	}
	if err != nil {
		return NewProblem(BadRequest, message.New("api.parameter", message.String("name", p.Name), message.CausedBy(err)))
	}
	return nil
}

func (p *Parameter) setDuration(v *time.Duration, text string) error {
	d, err := time.ParseDuration(text)
	most, _ := time.ParseDuration(p.Max)
	if err != nil || d < 0 || most > 0 && d > most {
		return p.wrong(text, message.New("api.not-a-duration", message.String("most", most.String())))
	}
	*v = d
	return nil
}

// setInt parses an integer within the bounds.
func (p *Parameter) setInt(field reflect.Value, text string) error {
	n, err := strconv.ParseInt(text, 10, field.Type().Bits())
	least, lowErr := strconv.ParseInt(p.Min, 10, 64)
	most, highErr := strconv.ParseInt(p.Max, 10, 64)
	switch {
	case err == nil && (lowErr != nil || n >= least) && (highErr != nil || n <= most):
		field.SetInt(n)
		return nil
	case highErr == nil:
		return p.wrong(text, message.New("api.not-a-number", message.Int("least", least), message.Int("most", most)))
	}
	return p.wrong(text, message.New("api.not-a-number-from", message.Int("least", least)))
}

// wrong returns the problem that a value is not what is expected.
func (p *Parameter) wrong(value string, why message.Message) error {
	return NewProblem(BadRequest, message.New("api.parameter-value", message.String("name", p.Name),
		message.Quoted("value", value), message.Nested("why", why)))
}

// texts formats a field for a request. It returns nothing for a zero value that the server would assume anyway.
func (p *Parameter) texts(field reflect.Value) []string {
	switch v := field.Interface().(type) {
	case []string:
		return v
	case time.Time:
		if v.IsZero() {
			return nil
		}
		return []string{v.UTC().Format(time.RFC3339Nano)}
	case *int64:
		if v == nil {
			return nil
		}
		return []string{strconv.FormatInt(*v, 10)}
	case int, int64:
		if field.IsZero() && (p.Default == "" || p.Min != "0") { // 0 means the default, unless it is allowed beside one
			return nil
		}
	default:
		if field.IsZero() {
			return nil
		}
	}
	return []string{fmt.Sprint(field.Interface())}
}
