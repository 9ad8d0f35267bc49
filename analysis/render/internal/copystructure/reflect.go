package copystructure

import (
	"fmt"
	"reflect"
	"time"
)

// reflected copies any value, of the same type.
func reflected(v reflect.Value, depth int) (reflect.Value, error) {
	if depth > maxDepth {
		return v, fmt.Errorf("copy a %s: it is nested more than %d levels deep, or contains itself", v.Type(), maxDepth)
	}
	if flat(v.Type()) {
		return v, nil
	}
	switch v.Kind() {
	case reflect.Interface:
		if v.IsNil() {
			return v, nil
		}
		c, err := anyValue(v.Elem().Interface(), depth+1)
		if err != nil {
			return v, err
		}
		return reflect.ValueOf(c), nil
	case reflect.Pointer:
		return pointer(v, depth)
	case reflect.Map:
		return mapping(v, depth)
	case reflect.Slice:
		if v.IsNil() {
			return v, nil
		}
		return sequence(v, reflect.MakeSlice(v.Type(), v.Len(), v.Len()), depth)
	case reflect.Array:
		return sequence(v, reflect.New(v.Type()).Elem(), depth)
	case reflect.Struct:
		return structure(v, depth)
	}
	return v, fmt.Errorf("copy a value: a %s cannot be copied", v.Type())
}

// flat tells whether an assignment copies values of the type whole.
func flat(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Bool, reflect.String, reflect.Float32, reflect.Float64, reflect.Complex64, reflect.Complex128,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return true
	}
	return t == reflect.TypeFor[time.Time]()
}

func pointer(v reflect.Value, depth int) (reflect.Value, error) {
	if v.IsNil() {
		return v, nil
	}
	c, err := reflected(v.Elem(), depth+1)
	if err != nil {
		return v, err
	}
	out := reflect.New(v.Type().Elem())
	out.Elem().Set(c)
	return out, nil
}

func mapping(v reflect.Value, depth int) (reflect.Value, error) {
	if v.IsNil() {
		return v, nil
	}
	out := reflect.MakeMapWithSize(v.Type(), v.Len())
	for entries := v.MapRange(); entries.Next(); {
		key, err := reflected(entries.Key(), depth+1)
		if err != nil {
			return v, err
		}
		value, err := reflected(entries.Value(), depth+1)
		if err != nil {
			return v, err
		}
		out.SetMapIndex(key, value)
	}
	return out, nil
}

// sequence copies the elements of a slice or an array into out.
func sequence(v, out reflect.Value, depth int) (reflect.Value, error) {
	if flat(v.Type().Elem()) {
		reflect.Copy(out, v)
		return out, nil
	}
	for i := range v.Len() {
		c, err := reflected(v.Index(i), depth+1)
		if err != nil {
			return v, err
		}
		out.Index(i).Set(c)
	}
	return out, nil
}

func structure(v reflect.Value, depth int) (reflect.Value, error) {
	out := reflect.New(v.Type()).Elem()
	for i := range v.NumField() {
		if !v.Type().Field(i).IsExported() {
			continue
		}
		c, err := reflected(v.Field(i), depth+1)
		if err != nil {
			return v, err
		}
		out.Field(i).Set(c)
	}
	return out, nil
}
