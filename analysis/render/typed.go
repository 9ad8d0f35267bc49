package render

import "k8s.io/apimachinery/pkg/runtime"

// As returns what fields gives, an object's manifest or a part of it, in a type of Kubernetes' API: what was read ahead,
// if that is of this type. Readers must not change it. The error says which field has a value of another type.
func As[T any](o *Object, fields func() map[string]any) (*T, error) {
	if read, ok := o.Typed.(*T); ok {
		return read, nil
	}
	return Convert[T](fields())
}

// Convert returns fields in a type of Kubernetes' API. The error says which field has a value of another type.
func Convert[T any](fields map[string]any) (*T, error) {
	out := new(T)
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(fields, out); err != nil {
		return nil, err
	}
	return out, nil
}

// ReadAhead does the work of As before anybody else sees the object. What cannot be read is left to As.
func ReadAhead[T any](o *Object, fields func() map[string]any) {
	if read, err := As[T](o, fields); err == nil {
		o.Typed = read
	}
}
