// Before the first paint: the theme.
try {
  const theme = sessionStorage.theme ?? localStorage.theme;
  if (theme) document.documentElement.dataset.theme = theme;
} catch {}
