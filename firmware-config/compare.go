package firmwareconfig

import (
	"reflect"

	"lanewarden/drivers/driver"
)

// ChangedDevices compares with the configuration that is to follow. Where nothing but settings of devices differs, alone is
// true, and ids are those whose do, in the order of the file. A document that a setting names (driver.Ref) is the same when
// its bytes are, wherever it lies.
func (c *Config) ChangedDevices(next *Config) (ids []string, alone bool) {
	before, after := *c, *next
	before.Devices, before.File, before.Text, before.SHA256 = nil, "", "", [32]byte{}
	after.Devices, after.File, after.Text, after.SHA256 = nil, "", "", [32]byte{}
	if len(c.Devices) != len(next.Devices) || !same(reflect.ValueOf(before), reflect.ValueOf(after)) {
		return nil, false
	}
	for i, was := range c.Devices {
		is := next.Devices[i]
		if !same(reflect.ValueOf(was.Settings), reflect.ValueOf(is.Settings)) {
			ids = append(ids, is.ID)
		}
		was.Settings, is.Settings = nil, nil
		if was != is {
			return nil, false
		}
	}
	return ids, true
}

// same reports whether two settings have the same value. What it cannot look into (functions) counts as different.
func same(a, b reflect.Value) bool {
	if !a.IsValid() || !b.IsValid() || a.Type() != b.Type() {
		return a.IsValid() == b.IsValid() && !a.IsValid()
	}
	switch a.Kind() {
	case reflect.Pointer, reflect.Interface:
		return a.IsNil() == b.IsNil() && (a.IsNil() || same(a.Elem(), b.Elem()))
	case reflect.Slice:
		return a.IsNil() == b.IsNil() && sameItems(a, b)
	case reflect.Array:
		return sameItems(a, b)
	case reflect.Struct:
		return sameFields(a, b)
	}
	return a.CanInterface() && reflect.DeepEqual(a.Interface(), b.Interface())
}

func sameItems(a, b reflect.Value) bool {
	if a.Len() != b.Len() {
		return false
	}
	for i := range a.Len() {
		if !same(a.Index(i), b.Index(i)) {
			return false
		}
	}
	return true
}

// sameFields compares structs field by field, documents by their hash, and those with fields of their own package as a whole.
func sameFields(a, b reflect.Value) bool {
	if reflect.PointerTo(a.Type()).Implements(documents) {
		return a.FieldByName("SHA256").Equal(b.FieldByName("SHA256"))
	}
	for i := range a.NumField() {
		if !a.Type().Field(i).IsExported() {
			return a.CanInterface() && reflect.DeepEqual(a.Interface(), b.Interface())
		}
	}
	for i := range a.NumField() {
		if !same(a.Field(i), b.Field(i)) {
			return false
		}
	}
	return true
}

// documents is what settings are that name a document.
var documents = reflect.TypeFor[driver.Reference]()
