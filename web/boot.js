// Before the first paint: the theme, and whether to show the door or the room.
{
  const recall = (key) => {
    try {
      return sessionStorage[key] ?? localStorage[key];
    } catch {}
  };
  const { dataset } = document.documentElement;
  if (recall('theme')) dataset.theme = recall('theme');
  if (recall('name') && location.search.includes('room=')) dataset.view = 'hall';
}
