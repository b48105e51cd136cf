package firmwareconfig

import (
	"reflect"
	"strings"

	"lanewarden/drivers/transport"
)

// Endpoint is a place in the settings of a device at which it and the agent meet.
type Endpoint struct {
	Field  string // of the settings: "address", "http.listen"
	Kind   EndpointKind
	Where  string            // HOST:PORT, path of a folder, device file, URL of a broker
	Serial *transport.Serial // of a serial line
}

// EndpointKind says who comes to whom.
type EndpointKind string

// The kinds of endpoint.
const (
	Dials   EndpointKind = "dials"   // the agent connects to HOST:PORT
	Listens EndpointKind = "listens" // the device connects to the agent's HOST:PORT
	Line    EndpointKind = "serial"
	Drop    EndpointKind = "folder"
	Broker  EndpointKind = "broker"
)

// Endpoints lists where a device and the agent meet, as the tags of its settings tell.
func (d Device) Endpoints() (out []Endpoint) {
	walkEndpoints(reflect.ValueOf(d.Settings), "", &out)
	return out
}

func walkEndpoints(v reflect.Value, path string, out *[]Endpoint) {
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return
		}
		v = v.Elem()
	}
	switch s := v.Interface().(type) {
	case transport.Serial:
		*out = append(*out, Endpoint{Field: path, Kind: Line, Where: s.Port, Serial: &s})
		return
	case transport.Folder:
		*out = append(*out, Endpoint{Field: path, Kind: Drop, Where: s.Path})
		return
	}
	if v.Kind() != reflect.Struct {
		return
	}
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if !f.IsExported() || f.Tag.Get("builtin") != "" { // documents name no places
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		at := strings.TrimPrefix(path+"."+name, ".")
		if name == "" {
			at = path // inlined
		}
		switch f.Type.Kind() {
		case reflect.Struct, reflect.Pointer:
			walkEndpoints(v.Field(i), at, out)
		case reflect.String:
			text := v.Field(i).String()
			if kind := endpointKind(name, f.Tag.Get("format")); kind != "" && text != "" {
				*out = append(*out, Endpoint{Field: at, Kind: kind, Where: text})
			}
		}
	}
}

func endpointKind(name, format string) EndpointKind {
	switch {
	case format == "hostport" && name == "listen":
		return Listens
	case format == "hostport":
		return Dials
	case format == "broker":
		return Broker
	}
	return ""
}
