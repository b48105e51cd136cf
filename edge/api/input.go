package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"lanewarden/drivers/message"
)

// maxBody bounds the body of a request, in bytes: names and sentences.
const maxBody = 16 << 10

// input decodes requests of one type.
type input struct {
	parameters []Parameter
	body       bool // the type has fields of a body
}

func newInput(in reflect.Type) input {
	return input{parameters: Parameters(in), body: hasBody(in)}
}

// hasBody reports whether a request type has fields that stand in the body: those with a name in a json tag.
func hasBody(in reflect.Type) bool {
	return slices.ContainsFunc(reflect.VisibleFields(in), func(f reflect.StructField) bool {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		return name != "" && name != "-"
	})
}

// decode reads a request into v, a struct. Its error is a Problem that names what is wrong and how to write it. A
// parameter that is unknown is an error, because a misspelt filter must not filter nothing.
func (in *input) decode(w http.ResponseWriter, r *http.Request, v reflect.Value) error {
	if in.body {
		if err := decodeBody(w, r, v.Addr().Interface()); err != nil {
			return err
		}
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return NewProblem(BadRequest, message.New("api.query", message.CausedBy(err)))
	}
	if err := in.known(query); err != nil {
		return err
	}
	for i := range in.parameters {
		p := &in.parameters[i]
		values := p.values(r, query)
		if len(values) == 0 {
			continue
		}
		if err := p.set(v.FieldByIndex(p.index), values); err != nil {
			return err
		}
	}
	return nil
}

// known checks that each parameter of a query is one of the operation's.
func (in *input) known(query url.Values) error {
	var names []string
	for _, p := range in.parameters {
		if p.In == "query" {
			names = append(names, p.Name)
		}
	}
	for name := range query {
		if slices.Contains(names, name) {
			continue
		}
		if len(names) == 0 {
			return NewProblem(UnknownParameter, message.New("api.no-parameters", message.Quoted("name", name)))
		}
		return NewProblem(UnknownParameter, message.New("api.unknown-parameter", message.Quoted("name", name),
			message.String("known", strings.Join(names, ", "))))
	}
	return nil
}

// values returns what a request has of a parameter, or its default. A value that is empty counts as absent, but for a
// bool, which is true when it is named.
func (p *Parameter) values(r *http.Request, query url.Values) []string {
	var values []string
	switch p.In {
	case "path":
		values = []string{r.PathValue(p.Name)}
	case "header":
		values = r.Header.Values(p.Name)
	default:
		values = query[p.Name]
	}
	if p.Type.Kind() != reflect.Bool {
		values = slices.DeleteFunc(slices.Clone(values), func(s string) bool { return s == "" })
	}
	if len(values) == 0 && p.Default != "" {
		return []string{p.Default}
	}
	return values
}

func decodeBody(w http.ResponseWriter, r *http.Request, v any) error {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	err := d.Decode(v)
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return NewProblem(TooLarge, message.New("api.large-body", message.Int("bytes", large.Limit)))
	case err != nil:
		return NewProblem(BadRequest, message.New("api.body", message.CausedBy(err)))
	}
	return nil
}
