/**
 * The program of a live page. While the training goes on it loads the page anew, which keeps the place on it, but not while nobody
 * looks or somebody moves through the pictures; and it says so if the page is older than it should be. It runs in a browser.
 */

/** Between two loads, s; and how old a page is of whose run something must have become. */
const RELOAD = 5;
const STALE = 120;

export const LIVE_SCRIPT = `
(() => {
  const byId = (id) => document.getElementById(id);
  const keep = (value) => { try { sessionStorage.setItem('air-step', value); } catch {} };
  const kept = () => { try { return sessionStorage.getItem('air-step'); } catch { return null; } };
  let isMoving = false;
  const slider = byId('earlier');
  if (slider) {
    const files = slider.dataset.files.split(' ');
    const steps = slider.dataset.steps.split(' ');
    const show = () => {
      byId('earlier-picture').src = files[slider.value];
      byId('earlier-step').textContent = steps[slider.value];
    };
    slider.parentElement.hidden = false;
    const at = steps.indexOf(kept());
    slider.value = at < 0 ? steps.length - 1 : at;
    show();
    slider.addEventListener('input', () => {
      show();
      keep(Number(slider.value) === steps.length - 1 ? '' : steps[slider.value]);
    });
    slider.addEventListener('pointerdown', () => { isMoving = true; });
    addEventListener('pointerup', () => { isMoving = false; });
  }
  if (byId('state').dataset.running !== 'yes') return;
  const age = (Date.now() - Date.parse(document.lastModified)) / 1000;
  if (age > ${STALE}) {
    byId('news').textContent = 'No news for ' + Math.round(age / 60) + ' minutes: if it was ended from outside, the same command goes on.';
  }
  const again = () => {
    if (document.hidden || isMoving) setTimeout(again, 500);
    else location.reload();
  };
  setTimeout(again, ${1000 * RELOAD});
})();
`;
