package k8s

import (
	"reflect"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// Each object is named once, with every key that something takes of it, and what may
// be missing is not named.
func TestReferences(t *testing.T) {
	optional := true
	config := func(name string) corev1.LocalObjectReference { return corev1.LocalObjectReference{Name: name} }
	item := []corev1.KeyToPath{{Key: "ca.crt", Path: "ca.crt"}}
	spec := &corev1.PodSpec{
		ServiceAccountName: "portal",
		ImagePullSecrets:   []corev1.LocalObjectReference{config("registry"), config("certs"), {}},
		Volumes: []corev1.Volume{
			{Name: "app", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: config("app")}}},
			{Name: "maybe", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: config("maybe"), Optional: &optional}}},
			{Name: "certs", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "certs", Items: item}}},
			{Name: "both", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
				{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: config("roots"), Items: item}}, {ServiceAccountToken: &corev1.ServiceAccountTokenProjection{}},
			}}}},
		},
		InitContainers: []corev1.Container{{Name: "first", EnvFrom: []corev1.EnvFromSource{
			{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: config("flags")}}, {SecretRef: &corev1.SecretEnvSource{LocalObjectReference: config("maybe"), Optional: &optional}},
		}}},
		Containers: []corev1.Container{{
			Name: "backstage",
			Env: []corev1.EnvVar{
				{Name: "PLAIN", Value: "x"},
				{Name: "A", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: config("portal"), Key: "a"}}},
				{Name: "B", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: config("portal"), Key: "b"}}},
				{Name: "C", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: config("portal"), Key: "c", Optional: &optional}}},
				{Name: "D", ValueFrom: &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{LocalObjectReference: config("flags"), Key: "d"}}},
			},
			VolumeMounts: []corev1.VolumeMount{
				{Name: "app", MountPath: "/app/a.yaml", SubPath: "a.yaml"}, {Name: "maybe", MountPath: "/m", SubPath: "m"}, {Name: "both", MountPath: "/both"},
			},
		}},
	}
	want := []PodReference{
		{Kind: KindServiceAccount, Name: "portal", By: "serviceAccountName"},
		{Kind: KindConfigMap, Name: "app", By: "volume app", Keys: []string{"a.yaml"}},
		{Kind: KindSecret, Name: "certs", By: "volume certs", Keys: []string{"ca.crt"}},
		{Kind: KindConfigMap, Name: "roots", By: "volume both", Keys: []string{"ca.crt"}},
		{Kind: KindConfigMap, Name: "flags", By: "envFrom of container first", Keys: []string{"d"}},
		{Kind: KindSecret, Name: "portal", By: "variable A", Keys: []string{"a", "b"}},
		{Kind: KindSecret, Name: "registry", Pull: true, By: "imagePullSecrets"},
	}
	if got := references(spec); !reflect.DeepEqual(got, want) {
		t.Errorf("\n%+v, want\n%+v", got, want)
	}
	if got := references(&corev1.PodSpec{ServiceAccountName: "default"}); len(got) > 0 {
		t.Errorf("%+v", got)
	}
}
